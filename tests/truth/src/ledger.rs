//! What became of the orders that users sent? Kept by the client, by its own clock; compared with the rows that the serving
//! database has afterwards.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// What the client knows of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The application said that it is committed.
    Acknowledged {
        /// The region whose application said so.
        by: String,
    },
    /// The application, or what stands before it, said no: the order may not be there.
    Refused,
    /// No answer came, or half of one: the order may be there or not.
    Unknown,
}

/// An order, as the client keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number; each is sent once.
    pub number: u64,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When its outcome was known.
    pub ended_at: Timestamp,
    /// What is known of it.
    pub outcome: Outcome,
}

/// All orders of a play.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    orders: BTreeMap<u64, Order>,
}

/// What the ledger and the rows of the serving database say together. Each list is in the order of the numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Acknowledged, and not there.
    pub lost: Vec<u64>,
    /// Not acknowledged, and there: no harm, but a client that sends it again must not double it.
    pub recovered: Vec<u64>,
    /// There more than once.
    pub duplicated: Vec<u64>,
    /// There, and never sent.
    pub unexpected: Vec<u64>,
    /// The time of the last acknowledged order of the side that was left, minus that of the oldest one that is lost. Nothing
    /// lost: zero.
    pub loss: SignedDuration,
}

/// A time without what users came for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The last good answer before it.
    pub since: Timestamp,
    /// The first good answer after it.
    pub until: Timestamp,
}

impl Outage {
    /// How long it was.
    pub fn lasted(self) -> SignedDuration {
        self.until.duration_since(self.since)
    }
}

impl Ledger {
    /// Keeps an order.
    ///
    /// # Errors
    ///
    /// A number that is kept already: a ledger in which an order can be written over proves nothing.
    pub fn keep(&mut self, order: Order) -> Result<(), String> {
        let number = order.number;
        match self.orders.insert(number, order) {
            None => Ok(()),
            Some(_) => Err(format!("order {number} was sent twice")),
        }
    }

    /// Its orders, by their numbers.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }

    /// How many orders a second were acknowledged between two moments.
    pub fn rate(&self, since: Timestamp, until: Timestamp) -> f64 {
        let count = self.acknowledged().filter(|order| (since..until).contains(&order.ended_at)).count();
        let seconds = until.duration_since(since).as_secs_f64();
        if seconds > 0.0 { f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds } else { 0.0 }
    }

    /// Compares the ledger with the rows of the database that serves now. `left` is the region that was left.
    pub fn audit(&self, rows: impl IntoIterator<Item = u64>, left: &str) -> Audit {
        let mut times: BTreeMap<u64, usize> = BTreeMap::new();
        for number in rows {
            *times.entry(number).or_default() += 1;
        }
        let mut audit = Audit::default();
        for order in self.orders() {
            match (&order.outcome, times.contains_key(&order.number)) {
                (Outcome::Acknowledged { .. }, false) => audit.lost.push(order.number),
                (Outcome::Refused | Outcome::Unknown, true) => audit.recovered.push(order.number),
                (Outcome::Acknowledged { .. }, true) | (Outcome::Refused | Outcome::Unknown, false) => {}
            }
        }
        audit.duplicated = times.iter().filter(|(_, count)| **count > 1).map(|(number, _)| *number).collect();
        audit.unexpected = times.keys().filter(|number| !self.orders.contains_key(number)).copied().collect();
        audit.loss = self.loss(&audit.lost, left);
        audit
    }

    /// Of acknowledged orders alone: what was never promised is not lost. An order that the new side acknowledged and has not is
    /// lost as well, and then nothing that the old side did later makes it less.
    fn loss(&self, lost: &[u64], left: &str) -> SignedDuration {
        let of = |number: &u64| self.orders.get(number).map(|order| order.ended_at);
        let Some(oldest) = lost.iter().filter_map(of).min() else { return SignedDuration::ZERO };
        let by_the_old =
            |order: &&Order| matches!(&order.outcome, Outcome::Acknowledged { by } if by == left);
        let old = self.orders().filter(by_the_old).map(|order| order.ended_at).max();
        let newest = old.max(lost.iter().filter_map(of).max());
        newest.map_or(SignedDuration::ZERO, |newest| newest.duration_since(oldest))
    }

    /// The longest time between two acknowledgements: how long nobody could write.
    pub fn outage_of_writes(&self) -> Option<Outage> {
        longest(self.acknowledged().map(|order| order.ended_at))
    }

    /// The first order that a region acknowledged.
    pub fn first_acknowledged_by(&self, region: &str) -> Option<Timestamp> {
        let by_it = |order: &&Order| matches!(&order.outcome, Outcome::Acknowledged { by } if by == region);
        self.orders().filter(by_it).map(|order| order.ended_at).min()
    }

    fn acknowledged(&self) -> impl Iterator<Item = &Order> {
        self.orders().filter(|order| matches!(order.outcome, Outcome::Acknowledged { .. }))
    }
}

/// The longest time between two of some moments, which come in any order. Of several that are as long the first.
pub fn longest(moments: impl IntoIterator<Item = Timestamp>) -> Option<Outage> {
    let mut moments: Vec<_> = moments.into_iter().collect();
    moments.sort_unstable();
    let outages = moments.windows(2).filter_map(|pair| match pair {
        [since, until] => Some(Outage { since: *since, until: *until }),
        _ => None,
    });
    outages.reduce(|longest, next| if next.lasted() > longest.lasted() { next } else { longest })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "us-east-2";
    const NEW: &str = "us-west-1";

    fn at(millis: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_millis(millis)).unwrap()
    }

    /// Sent 10 ms before its outcome was known.
    fn order(number: u64, millis: i64, outcome: Outcome) -> Order {
        Order { number, sent_at: at(millis - 10), ended_at: at(millis), outcome }
    }

    fn acknowledged(by: &str) -> Outcome {
        Outcome::Acknowledged { by: by.to_owned() }
    }

    fn ledger(orders: impl IntoIterator<Item = Order>) -> Ledger {
        let mut ledger = Ledger::default();
        orders.into_iter().for_each(|order| ledger.keep(order).unwrap());
        ledger
    }

    /// Five orders on the old side, 1 s apart, then one without an answer, one that was refused, one on the new side.
    fn moved() -> Ledger {
        let old =
            (1..=5).map(|number| order(number, 1000 * i64::try_from(number).unwrap(), acknowledged(OLD)));
        ledger(old.chain([
            order(6, 6000, Outcome::Unknown),
            order(7, 7000, Outcome::Refused),
            order(8, 48_000, acknowledged(NEW)),
        ]))
    }

    #[test]
    fn nothing_is_lost_where_every_acknowledged_order_is_there() {
        assert_eq!(moved().audit([1, 2, 3, 4, 5, 8], OLD), Audit::default());
    }

    #[test]
    fn the_loss_reaches_from_the_oldest_lost_order_to_the_last_acknowledged_one_of_the_old_side() {
        let audit = moved().audit([1, 2, 3, 8], OLD);
        assert_eq!((audit.lost, audit.loss), (vec![4, 5], SignedDuration::from_secs(1)));
        // Later ones are there: what replication applies in order can't do that, and it is no smaller loss.
        let audit = moved().audit([1, 3, 4, 5, 8], OLD);
        assert_eq!((audit.lost, audit.loss), (vec![2], SignedDuration::from_secs(3)));
        let last = moved().audit([1, 2, 3, 4, 8], OLD);
        assert_eq!((last.lost, last.loss), (vec![5], SignedDuration::ZERO));
    }

    #[test]
    fn what_the_new_side_acknowledged_and_lost_counts_up_to_it() {
        let audit = moved().audit([1, 2, 3, 4], OLD);
        assert_eq!((audit.lost, audit.loss), (vec![5, 8], SignedDuration::from_secs(43)));
    }

    #[test]
    fn an_order_without_an_acknowledgement_is_recovered_or_gone_and_never_lost() {
        let audit = moved().audit([1, 2, 3, 4, 5, 6, 7, 8], OLD);
        assert_eq!(audit, Audit { recovered: vec![6, 7], ..Audit::default() });
    }

    #[test]
    fn a_row_that_is_there_twice_and_one_that_nobody_sent_are_told() {
        let audit = moved().audit([1, 1, 2, 3, 4, 5, 8, 99, 99], OLD);
        assert_eq!((audit.duplicated, audit.unexpected), (vec![1, 99], vec![99]));
    }

    #[test]
    fn an_order_can_t_be_kept_twice() {
        let mut ledger = moved();
        let again = ledger.keep(order(3, 9000, Outcome::Unknown));
        assert_eq!(again, Err("order 3 was sent twice".to_owned()));
    }

    #[test]
    fn the_outage_of_writes_is_the_longest_time_between_two_acknowledgements() {
        let outage = moved().outage_of_writes().unwrap();
        assert_eq!((outage, outage.lasted().as_secs()), (Outage { since: at(5000), until: at(48_000) }, 43));
        assert_eq!(ledger([order(1, 1000, acknowledged(OLD))]).outage_of_writes(), None);
        assert_eq!(moved().first_acknowledged_by(NEW), Some(at(48_000)));
        assert_eq!(moved().first_acknowledged_by("eu-west-1"), None);
    }

    #[test]
    fn of_two_outages_that_are_as_long_the_first_is_given() {
        let outage = longest([at(3000), at(1000), at(2000)]).unwrap();
        assert_eq!(outage, Outage { since: at(1000), until: at(2000) });
    }

    #[test]
    fn the_rate_counts_acknowledged_orders_from_a_moment_up_to_another() {
        assert!((moved().rate(at(1000), at(5000)) - 1.0).abs() < f64::EPSILON);
        assert!((moved().rate(at(5000), at(5000))).abs() < f64::EPSILON);
    }
}
