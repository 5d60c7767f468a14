//! How is a witness asked? As any other function of the own region, by one invocation.

use async_trait::async_trait;
use futures::future::try_join_all;
use ports::{Answer, FailureKind, Functions, Witnesses};
use protocol::witness::{DATABASES_MAX, WitnessCommand, Witnessed};
use serde::Deserialize;
use serde_json::json;

use crate::config::Sdk;
use crate::failure::ours;
use crate::invocations::{INVOKE, LambdaInvocations};

/// Witnesses that are functions of the own region.
pub struct LambdaWitnesses(LambdaInvocations);

impl LambdaWitnesses {
    /// In the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self(LambdaInvocations::new(sdk))
    }
}

/// What of an answer is read; the sentence is for the witness's own log.
#[derive(Deserialize)]
struct Answered {
    databases: Vec<Witnessed>,
}

#[async_trait]
impl Witnesses for LambdaWitnesses {
    async fn look(&self, function: &str, command: &WitnessCommand) -> Answer<Vec<Witnessed>> {
        let WitnessCommand::Look { user, databases } = command else {
            return self.ask(function, command).await;
        };
        let parts = databases.chunks(DATABASES_MAX).map(|part| async move {
            let part = WitnessCommand::Look { user: user.clone(), databases: part.to_vec() };
            self.ask(function, &part).await
        });
        Ok(try_join_all(parts).await?.into_iter().flatten().collect())
    }
}

impl LambdaWitnesses {
    async fn ask(&self, function: &str, command: &WitnessCommand) -> Answer<Vec<Witnessed>> {
        let answer = self.0.invoke(function, &json!(command)).await?;
        let answer = answer.map_err(|error| {
            ours(FailureKind::Unavailable, INVOKE, "witness", format!("{function} ended with {error}"))
        })?;
        let answered = Answered::deserialize(&answer).map_err(|error| {
            let message = format!("{function}'s answer is not one of a witness: {error}");
            ours(FailureKind::Unavailable, INVOKE, "response", message)
        })?;
        Ok(answered.databases)
    }
}

#[cfg(test)]
mod tests {
    use protocol::name::Name;
    use protocol::witness::{Address, Sight, Unreached, UnreachedCode};
    use serde_json::Value;

    use super::*;
    use crate::replay::replay;

    const FUNCTION: &str = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness";

    fn command() -> WitnessCommand {
        let host = "shop-orders.abc.us-west-1.rds.amazonaws.com".to_owned();
        let address = Address { name: Name::new("orders"), host, port: 5432, database: "shop".to_owned() };
        WitnessCommand::Look { user: "pilotlight_witness".to_owned(), databases: vec![address] }
    }

    async fn look(body: &str) -> Answer<Vec<Witnessed>> {
        let http = replay(&[(200, body)]);
        let answer = LambdaWitnesses::new(&Sdk::on(http.clone())).look(FUNCTION, &command()).await;
        let request = http.actual_requests().next().unwrap();
        assert_eq!(
            request.uri(),
            format!("https://lambda.us-west-1.amazonaws.com/2015-03-31/functions/{}/invocations", {
                FUNCTION.replace(':', "%3A")
            })
        );
        let sent: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        assert_eq!(sent, json!(command()));
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_witness_says_is_given_back() {
        let unreached = Unreached { code: UnreachedCode::Tls, message: "unknown issuer".to_owned() };
        let expected = Witnessed { name: Name::new("orders"), sight: Sight::Unreached(unreached) };
        let answer = json!({ "sentence": "It saw none of 1 database.", "databases": [expected] });
        assert_eq!(look(&answer.to_string()).await, Ok(vec![expected]));
    }

    #[tokio::test(start_paused = true)]
    async fn five_hundred_databases_are_one_question_and_one_more_is_another() {
        for (count, questions) in [(500, 1), (501, 2)] {
            let WitnessCommand::Look { user, databases } = command() else { unreachable!() };
            let all = WitnessCommand::Look { user, databases: vec![databases[0].clone(); count] };
            let unreached = Unreached { code: UnreachedCode::Tls, message: "unknown issuer".to_owned() };
            let seen = Witnessed { name: Name::new("orders"), sight: Sight::Unreached(unreached) };
            let body = json!({ "databases": [seen] }).to_string();
            let http = replay(&vec![(200, body.as_str()); questions]);
            let answer = LambdaWitnesses::new(&Sdk::on(http.clone())).look(FUNCTION, &all).await.unwrap();
            assert_eq!((answer.len(), http.actual_requests().count()), (questions, questions));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_answer_of_a_witness_is_a_failure() {
        for body in ["{}", r#"{"databases":[{"name":"orders"}]}"#, r#"{"sentence":"shop is ready."}"#, "[]"] {
            let failure = look(body).await.unwrap_err();
            assert_eq!(
                (failure.kind, failure.code.as_str()),
                (FailureKind::Unavailable, "response"),
                "{body}"
            );
        }
    }
}
