//! The example `pilot-light` moves: its roles do their own acts and no others, then its primary region is lost, and its own
//! functions move users with these roles. The region comes back, and the old primary is cut off.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use protocol::state::{Cleanup, State};
use serde_json::Value;

use crate::checks::roles;
use crate::demo::follow::Follower;
use crate::demo::users::Users;
use crate::demo::{self, Mode};
use crate::say;
use crate::terraform::stack::Stack;
use crate::terraform::{Terraform, text};
use crate::world::{PRIMARY, World};

/// The plan's name.
const PLAN: &str = "shop";
/// How long the old primary may take to be cut off once its region is back: two ticks and the step's own time.
const QUARANTINE_LIMIT: Duration = Duration::from_mins(4);

/// From a good day to the recovery region. Whatever comes of it, the primary region is there again afterwards.
pub async fn with_its_own_functions(world: &World, terraform: &Terraform) -> Result<()> {
    let outputs = terraform.outputs().await?;
    let stack = Stack::of(PLAN, terraform.clone(), outputs);
    let users = Users::start(world.accelerator_url()?);
    demo::good_day(world, &stack, &users).await?;
    roles::are_enforced(world, &stack.outputs).await?;
    let lost = Box::pin(demo::lose(world, &stack, &users, Mode::Automatic)).await;
    world.give_back(PRIMARY).await?;
    lost?;
    promoted(world, &stack).await?;
    say(&format!("{PRIMARY} is back"));
    let mut follower = Follower::from_now(&world.cloud, &stack).await?;
    ensure!(
        follower.until(QUARANTINE_LIMIT, |state, _| is_cut_off(state)).await?,
        "the old primary was not cut off within {} s",
        QUARANTINE_LIMIT.as_secs()
    );
    say(&format!("{PLAN}: moved by its own functions, and the old primary is cut off"));
    Ok(())
}

/// The promotion that the roles' table leaves to the failover.
async fn promoted(world: &World, stack: &Stack) -> Result<()> {
    let replica = text(&stack.outputs, "/databases/value/replica")?;
    let promotions = world.lab("promotions").await?;
    let promotions = promotions.as_array().context("the launcher lists promotions")?;
    let accepted: Vec<_> =
        promotions.iter().filter(|one| one.get("accepted").and_then(Value::as_bool) == Some(true)).collect();
    let is_alone = accepted.len() == 1 && accepted.iter().all(|one| one.to_string().contains(replica));
    ensure!(is_alone, "{replica} was not promoted once, and alone: {promotions:?}");
    Ok(())
}

fn is_cut_off(state: &State) -> bool {
    !state.cleanup.is_empty() && state.cleanup.values().all(Cleanup::is_done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_cut_off_is_not_cut_off() {
        assert!(!is_cut_off(&State::default()));
    }
}
