//! How does a function meet the Lambda runtime? Its payload, its deadline, and its errors.
//!
//! The payload is taken as any JSON: one that a type refuses would never reach the handler. A fault becomes an error of
//! the invocation, with the fault's code as its type, and the runtime logs it: nothing here logs it again.

use std::fmt;

use engine::fault::Fault;
use engine::invocation::Invocation;
use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;

/// Why the runtime came to an end.
pub type RuntimeError = lambda_runtime::Error;

/// Serves invocations until the runtime ends. The handler gets the payload and the time by which it must have answered.
pub async fn serve<H>(handle: H) -> Result<(), RuntimeError>
where
    H: AsyncFn(Value, Timestamp) -> Result<Value, Fault>,
{
    serve_invocations(async |payload, invocation: Invocation| handle(payload, invocation.deadline).await)
        .await
}

/// The same for a handler that wants to know which invocation it is.
pub async fn serve_invocations<H>(handle: H) -> Result<(), RuntimeError>
where
    H: AsyncFn(Value, Invocation) -> Result<Value, Fault>,
{
    let handle = &handle;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        let (payload, context) = event.into_parts();
        answer(handle, payload, &context).await
    }))
    .await
}

async fn answer<H>(handle: &H, payload: Value, context: &Context) -> Result<Value, InvocationError>
where
    H: AsyncFn(Value, Invocation) -> Result<Value, Fault>,
{
    let deadline = Timestamp::try_from(context.deadline()).map_err(|error| {
        InvocationError(Fault::new("deadline_unreadable", format!("the invocation's deadline: {error}")))
    })?;
    let request = Some(context.request_id.clone()).filter(|id| !id.is_empty());
    let answer = handle(payload, Invocation { deadline, request }).await.map_err(InvocationError)?;
    let sentence = answer.get("sentence").and_then(Value::as_str).unwrap_or("answered without a sentence");
    tracing::info!("{sentence}");
    Ok(answer)
}

/// A fault on its way to the runtime, which prints its debug form to the log: there it is code and sentence.
struct InvocationError(Fault);

impl fmt::Debug for InvocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)
    }
}

impl From<InvocationError> for Diagnostic {
    fn from(InvocationError(fault): InvocationError) -> Self {
        Self { error_type: fault.code.to_owned(), error_message: fault.message }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn context() -> Context {
        let mut context = Context::default();
        context.deadline = 1_795_143_600_123;
        context.request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned();
        context
    }

    #[tokio::test]
    async fn the_handler_gets_any_json_its_deadline_and_the_request_id() {
        let handle = async |payload: Value, invocation: Invocation| {
            let deadline = invocation.deadline.as_millisecond();
            let request = invocation.request;
            Ok(json!({"sentence": "Seen.", "payload": payload, "deadline": deadline, "request": request}))
        };
        for payload in [json!(null), json!("text"), json!([1]), json!({"tick": true})] {
            let answer = answer(&handle, payload.clone(), &context()).await.unwrap();
            assert_eq!(answer["payload"], payload);
            assert_eq!(answer["deadline"], 1_795_143_600_123_u64);
            assert_eq!(answer["request"], "8476a536-e9f4-11e8-9739-2dfe598c3fcd");
        }
    }

    #[tokio::test]
    async fn a_fault_is_an_error_with_its_code_and_sentence() {
        let handle =
            async |_: Value, _: Invocation| Err(Fault::new("plan_invalid", "the plan has 2 problems"));
        let error = answer(&handle, json!({}), &context()).await.unwrap_err();
        assert_eq!(format!("{error:?}"), "plan_invalid: the plan has 2 problems");
        let diagnostic = Diagnostic::from(error);
        assert_eq!(diagnostic.error_type, "plan_invalid");
        assert_eq!(diagnostic.error_message, "the plan has 2 problems");
    }
}
