//! Which ports does scale-asg have on AWS? Fleets.

use std::sync::Arc;

use aws::fleets::AutoScalingFleets;
use runtime::lambda::{RuntimeError, serve};
use runtime::start::Start;
use scale_asg::ScaleAsg;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let start = Start::from_env()?;
    let function = &ScaleAsg {
        context: start.context(),
        commands_topic: start.settings.commands_topic.clone(),
        fleets: Arc::new(AutoScalingFleets::new(&start.sdk)),
    };
    serve(async |payload, deadline| function.handle(&payload, deadline).await).await
}
