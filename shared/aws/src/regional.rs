//! Which client speaks to a region? One for each region that is asked, made when it is first needed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Clients of one service, by region.
pub(crate) struct Regional<C> {
    make: Box<dyn Fn(&str) -> C + Send + Sync>,
    made: Mutex<BTreeMap<String, C>>,
}

impl<C: Clone> Regional<C> {
    pub(crate) fn new(make: impl Fn(&str) -> C + Send + Sync + 'static) -> Self {
        Self { make: Box::new(make), made: Mutex::default() }
    }

    /// The client of a region.
    pub(crate) fn of(&self, region: &str) -> C {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(region.to_owned()).or_insert_with(|| (self.make)(region)).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_client_is_made_once_for_each_region() {
        let made = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&made);
        let clients = Regional::new(move |region| {
            log.lock().unwrap().push(region.to_owned());
            region.to_uppercase()
        });
        assert_eq!([clients.of("a"), clients.of("b"), clients.of("a")], ["A", "B", "A"]);
        assert_eq!(*made.lock().unwrap(), ["a", "b"]);
    }
}
