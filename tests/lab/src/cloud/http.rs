//! Small HTTP requests within the local world.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Asks, and gives the status and the body.
pub async fn ask(method: &str, url: &str, body: Option<&Value>, limit: Duration) -> Result<(u16, String)> {
    // A client of its own for each request: what users see must not depend on a connection that was open before.
    let client: Client<_, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let bytes = body.map(Value::to_string).unwrap_or_default();
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(bytes)))?;
    let exchange = async {
        let response = client.request(request).await?;
        let status = response.status().as_u16();
        let text = response.into_body().collect().await?.to_bytes();
        Ok::<_, anyhow::Error>((status, String::from_utf8_lossy(&text).into_owned()))
    };
    tokio::time::timeout(limit, exchange).await.context("no answer in time")?
}

/// Asks for JSON; anything but success is an error.
pub async fn json(method: &str, url: &str, body: Option<&Value>) -> Result<Value> {
    let (status, text) = ask(method, url, body, Duration::from_secs(20)).await?;
    if !(200..300).contains(&status) {
        bail!("{method} {url} answered {status}: {text}");
    }
    Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
}
