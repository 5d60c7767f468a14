//! A healed world comes to rest: its run is completed or aborted, or needs an operator and nobody answers, or there is
//! none; and nothing that must be done in any case is left undone.

use crate::history::History;

pub(super) fn check(history: &History) -> Result<(), String> {
    match &history.end.unrest {
        None => Ok(()),
        Some(why) => Err(why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::good;

    #[test]
    fn a_world_that_does_not_come_to_rest_is_caught() {
        let mut history = good();
        history.end.unrest = Some("run 3 is moving".to_owned());
        assert_eq!(check(&history), Err("run 3 is moving".to_owned()));
    }
}
