//! Which calls are interfered with, how, and how often?
//!
//! Rules are tried in the order in which they were added. Delays of all matching rules add up; the first matching
//! rule with another effect ends the search. A rule that doesn't fire by chance uses up nothing. What a rule delays goes
//! on when the rule is removed.

use crate::call::Call;
use crate::clock;
use crate::rejected::Rejected;
use hyper::StatusCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

const DELAY_MS_MAX: u64 = 600_000;
const RULES_MAX: usize = 1000;
const TEXT_LENGTH_MAX: usize = 1000;

/// Names a rule for as long as the gateway runs; never given twice.
pub type RuleId = u64;

/// Which calls a rule is for; an absent field matches every call. Unsigned requests match no rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The signing name; `cloudwatch`, `eventbridge`, `elb` and `elbv2` are understood as what they sign as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// For example `us-west-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// For example `PromoteReadReplica`; with a `*` at its end, everything that begins so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The access key that signed the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
}

/// What a rule does to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Holds the call back for so many milliseconds, then goes on with it, also when its caller has hung up. When the
    /// rule is removed meanwhile, it goes on at once.
    DelayMs(u64),
    /// Answers with the service's own throttling error; the call doesn't reach the upstream.
    Throttle,
    /// Answers with this error in the service's own shape; the call doesn't reach the upstream.
    Error(ErrorAnswer),
    /// Forwards the call, waits for the answer, and closes the connection without giving it.
    LoseAnswer,
}

/// An error to answer with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorAnswer {
    /// The HTTP status, 400 to 599.
    pub status: u16,
    /// The error code, for example `InvalidDBInstanceState`.
    pub code: String,
    /// The error's message; has a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Which calls, what happens to them, how often and how likely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which calls.
    #[serde(rename = "match")]
    pub matching: Match,
    /// What happens to them.
    pub effect: Effect,
    /// How often it happens before the rule is spent; `None` (in JSON `"unlimited"`, or no such field) is for ever.
    #[serde(default, serialize_with = "write_times", deserialize_with = "read_times")]
    pub times: Option<u64>,
    /// How likely it is to happen to each matching call: above 0, at most 1.
    #[serde(default = "certain")]
    pub probability: f64,
    /// Where the draws of this rule begin; without it, the gateway's seed and the rule's id decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Rule {
    /// A rule that always applies.
    pub fn new(matching: Match, effect: Effect) -> Self {
        Self { matching, effect, times: None, probability: 1.0, seed: None }
    }

    /// The same rule, spent after it has happened `times` times.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// The same rule, happening with this probability.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }
}

impl Match {
    /// Every signed call.
    pub fn any() -> Self {
        Self::default()
    }

    /// Every call of one service.
    pub fn service(service: &str) -> Self {
        Self { service: Some(service.to_owned()), ..Self::default() }
    }

    /// The same, for one region only.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    /// The same, for one action only.
    #[must_use]
    pub fn action(mut self, action: &str) -> Self {
        self.action = Some(action.to_owned());
        self
    }

    /// The same, for one access key only.
    #[must_use]
    pub fn principal(mut self, access_key: &str) -> Self {
        self.principal = Some(access_key.to_owned());
        self
    }

    fn covers(&self, call: &Call) -> bool {
        let same =
            |wanted: &Option<String>, actual: &str| wanted.as_ref().is_none_or(|wanted| wanted == actual);
        let action = self.action.as_ref().is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(beginning) => call.action.starts_with(beginning),
            None => *wanted == call.action,
        });
        let principal = call
            .access_key
            .as_ref()
            .is_some_and(|key| self.principal.as_ref().is_none_or(|wanted| wanted == key));
        action && principal && same(&self.service, &call.service) && same(&self.region, &call.region)
    }
}

/// The signing name of a service that people know by another one.
pub(crate) fn signing_name(service: &str) -> &str {
    match service {
        "cloudwatch" => "monitoring",
        "eventbridge" => "events",
        "elb" | "elbv2" => "elasticloadbalancing",
        _ => service,
    }
}

fn certain() -> f64 {
    1.0
}

#[expect(clippy::ref_option, reason = "the signature is serde's")]
fn write_times<S: Serializer>(times: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match times {
        Some(times) => serializer.serialize_u64(*times),
        None => serializer.serialize_str("unlimited"),
    }
}

fn read_times<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let wrong = |what: &serde_json::Value| serde::de::Error::custom(format!("{what} is no number of times"));
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::String(word) if word == "unlimited" => Ok(None),
        value => value.as_u64().map(Some).ok_or_else(|| wrong(&value)),
    }
}

/// What the rules say about one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) delay: Duration,
    /// Which rules delay it.
    pub(crate) delayed_by: Vec<RuleId>,
    pub(crate) fault: Option<Fault>,
}

/// An effect that ends a call's normal course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Throttle,
    Error(ErrorAnswer),
    LoseAnswer,
}

/// A rule in force, as the state shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleState {
    /// The rule's name.
    pub id: RuleId,
    /// The rule, as it was given.
    #[serde(flatten)]
    pub rule: Rule,
    /// How often it has happened.
    pub fired: u64,
}

#[derive(Debug)]
struct Active {
    state: RuleState,
    draws: fastrand::Rng,
}

#[derive(Debug, Default)]
struct Book {
    last_id: RuleId,
    rules: Vec<Active>,
}

/// The rules in force.
#[derive(Debug)]
pub(crate) struct Rules {
    seed: u64,
    book: Mutex<Book>,
    /// Tells that rules were removed.
    removals: watch::Sender<()>,
}

impl Rules {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, book: Mutex::default(), removals: watch::Sender::new(()) }
    }

    pub(crate) fn add(&self, mut rule: Rule) -> Result<RuleId, Rejected> {
        if let Some(service) = &mut rule.matching.service {
            *service = signing_name(service).to_owned();
        }
        check(&rule)?;
        let mut book = self.lock();
        if book.rules.len() >= RULES_MAX {
            let problem = format!("there are {RULES_MAX} rules already");
            return Err(Rejected::new("rule", problem, "remove some with DELETE /_gateway/rules"));
        }
        book.last_id += 1;
        let id = book.last_id;
        // An odd multiplier spreads neighbouring ids over the whole range of seeds.
        let own = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let draws = fastrand::Rng::with_seed(rule.seed.unwrap_or(self.seed ^ own));
        book.rules.push(Active { state: RuleState { id, rule, fired: 0 }, draws });
        Ok(id)
    }

    /// Whether there was such a rule.
    pub(crate) fn remove(&self, id: RuleId) -> bool {
        let mut book = self.lock();
        let before = book.rules.len();
        book.rules.retain(|active| active.state.id != id);
        let was_there = book.rules.len() < before;
        drop(book);
        self.removals.send_replace(());
        was_there
    }

    /// How many rules there were.
    pub(crate) fn clear(&self) -> usize {
        let rules = std::mem::take(&mut self.lock().rules);
        self.removals.send_replace(());
        rules.len()
    }

    pub(crate) fn list(&self) -> Vec<RuleState> {
        self.lock().rules.iter().map(|active| active.state.clone()).collect()
    }

    pub(crate) fn judge(&self, call: &Call) -> Verdict {
        let (mut delay, mut delayed_by) = (Duration::ZERO, Vec::new());
        for active in &mut self.lock().rules {
            if !active.fires(call) {
                continue;
            }
            let fault = match &active.state.rule.effect {
                Effect::DelayMs(ms) => {
                    delay += Duration::from_millis(*ms);
                    delayed_by.push(active.state.id);
                    continue;
                }
                Effect::Throttle => Fault::Throttle,
                Effect::Error(answer) => Fault::Error(answer.clone()),
                Effect::LoseAnswer => Fault::LoseAnswer,
            };
            return Verdict { delay, delayed_by, fault: Some(fault) };
        }
        Verdict { delay, delayed_by, fault: None }
    }

    /// Waits as long as a verdict says, and no longer than until the last of the rules that say so is removed.
    pub(crate) async fn delay(&self, verdict: &Verdict) {
        let mut removals = self.removals.subscribe();
        let removed = async {
            while self.lock().rules.iter().any(|active| verdict.delayed_by.contains(&active.state.id)) {
                // It lives as long as the rules themselves.
                let _ = removals.changed().await;
            }
        };
        tokio::select! {
            () = clock::sleep(verdict.delay) => {}
            () = removed => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Active {
    fn fires(&mut self, call: &Call) -> bool {
        let state = &mut self.state;
        let spent = state.rule.times.is_some_and(|times| state.fired >= times);
        if spent || !state.rule.matching.covers(call) {
            return false;
        }
        if self.draws.f64() >= state.rule.probability {
            return false;
        }
        state.fired += 1;
        true
    }
}

fn check(rule: &Rule) -> Result<(), Rejected> {
    check_match(&rule.matching)?;
    match &rule.effect {
        Effect::DelayMs(ms) if !(1..=DELAY_MS_MAX).contains(ms) => {
            let remedy = format!("give 1 to {DELAY_MS_MAX} milliseconds");
            return Err(Rejected::new("effect.delay_ms", format!("{ms} is out of range"), remedy));
        }
        Effect::Error(answer) => check_error(answer)?,
        Effect::DelayMs(_) | Effect::Throttle | Effect::LoseAnswer => {}
    }
    if rule.times == Some(0) {
        let remedy = "give at least 1, or \"unlimited\"";
        return Err(Rejected::new("times", "a rule that happens 0 times does nothing", remedy));
    }
    if !(rule.probability > 0.0 && rule.probability <= 1.0) {
        let problem = format!("{} is out of range", rule.probability);
        return Err(Rejected::new("probability", problem, "give a number above 0 and at most 1"));
    }
    Ok(())
}

fn check_match(matching: &Match) -> Result<(), Rejected> {
    if let Some(service) = &matching.service {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if service.is_empty() || !service.bytes().all(known) {
            let remedy = "give the name a client signs with, for example rds, autoscaling, monitoring, sns";
            return Err(Rejected::new("match.service", format!("{service:?} is no signing name"), remedy));
        }
    }
    if let Some(region) = &matching.region {
        check_region("match.region", region)?;
    }
    if let Some(action) = &matching.action {
        let name = action.strip_suffix('*').unwrap_or(action);
        if action.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let remedy =
                "give an operation's name, for example PromoteReadReplica, or a beginning such as Describe*";
            return Err(Rejected::new("match.action", format!("{action:?} is no action"), remedy));
        }
    }
    if matching.principal.as_ref().is_some_and(String::is_empty) {
        let remedy = "give the access key id that signs the calls, or leave the field out";
        return Err(Rejected::new("match.principal", "it is empty", remedy));
    }
    Ok(())
}

/// Refuses what can't be the name of a region.
pub(crate) fn check_region(field: &str, region: &str) -> Result<(), Rejected> {
    if crate::scope::is_region(region) {
        return Ok(());
    }
    Err(Rejected::new(
        field,
        format!("{region:?} is no region"),
        "give a region's name, for example us-east-2",
    ))
}

fn check_error(answer: &ErrorAnswer) -> Result<(), Rejected> {
    let in_range = (400..=599).contains(&answer.status) && StatusCode::from_u16(answer.status).is_ok();
    if !in_range {
        let problem = format!("{} is no error status", answer.status);
        return Err(Rejected::new("effect.error.status", problem, "give 400 to 599"));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    if answer.code.is_empty() || answer.code.len() > TEXT_LENGTH_MAX || !answer.code.bytes().all(fits) {
        let problem = format!("{:?} is no error code", answer.code);
        return Err(Rejected::new(
            "effect.error.code",
            problem,
            "give a code such as InvalidDBInstanceState",
        ));
    }
    if answer.message.as_ref().is_some_and(|message| message.len() > TEXT_LENGTH_MAX) {
        let remedy = format!("give at most {TEXT_LENGTH_MAX} bytes");
        return Err(Rejected::new("effect.error.message", "it is too long", remedy));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejected::from_json;
    use crate::shapes::Protocol;

    fn call(service: &str, region: &str, action: &str) -> Call {
        Call {
            access_key: Some("AKIATEST".to_owned()),
            service: service.to_owned(),
            region: region.to_owned(),
            action: action.to_owned(),
            protocol: Protocol::Query,
        }
    }

    fn promote() -> Call {
        call("rds", "us-west-1", "PromoteReadReplica")
    }

    fn fault(rules: &Rules, call: &Call) -> Option<Fault> {
        rules.judge(call).fault
    }

    #[test]
    fn a_rule_matches_by_every_field_it_names() {
        for (matching, matches) in [
            (Match::any(), true),
            (
                Match::service("rds").region("us-west-1").action("PromoteReadReplica").principal("AKIATEST"),
                true,
            ),
            (Match::service("sns"), false),
            (Match::any().region("us-east-2"), false),
            (Match::any().action("Promote"), false),
            (Match::any().action("Promote*"), true),
            (Match::any().principal("AKIAOTHER"), false),
        ] {
            let rules = Rules::new(1);
            rules.add(Rule::new(matching.clone(), Effect::Throttle)).unwrap();
            assert_eq!(fault(&rules, &promote()), matches.then_some(Fault::Throttle), "{matching:?}");
        }
    }

    #[test]
    fn a_service_may_be_named_as_people_name_it() {
        let rules = Rules::new(1);
        rules.add(Rule::new(Match::service("cloudwatch"), Effect::Throttle)).unwrap();
        assert_eq!(fault(&rules, &call("monitoring", "us-west-1", "PutMetricData")), Some(Fault::Throttle));
    }

    #[test]
    fn an_unsigned_request_matches_no_rule() {
        let rules = Rules::new(1);
        rules.add(Rule::new(Match::any(), Effect::Throttle)).unwrap();
        assert_eq!(fault(&rules, &Call { access_key: None, ..promote() }), None);
    }

    #[test]
    fn a_rule_is_spent_after_its_times() {
        let rules = Rules::new(1);
        let id = rules.add(Rule::new(Match::any(), Effect::Throttle).times(2)).unwrap();
        let faults: Vec<bool> = (0..4).map(|_| fault(&rules, &promote()).is_some()).collect();
        assert_eq!(faults, [true, true, false, false]);
        assert_eq!((rules.list()[0].id, rules.list()[0].fired), (id, 2));
    }

    #[test]
    fn delays_add_up_and_the_first_other_effect_wins() {
        let rules = Rules::new(1);
        rules.add(Rule::new(Match::any(), Effect::DelayMs(20))).unwrap();
        rules.add(Rule::new(Match::any(), Effect::DelayMs(30))).unwrap();
        rules.add(Rule::new(Match::any(), Effect::LoseAnswer)).unwrap();
        rules.add(Rule::new(Match::any(), Effect::Throttle)).unwrap();
        let verdict = rules.judge(&promote());
        let (delay, delayed_by) = (Duration::from_millis(50), vec![1, 2]);
        assert_eq!(verdict, Verdict { delay, delayed_by, fault: Some(Fault::LoseAnswer) });
        assert_eq!(rules.list().iter().map(|state| state.fired).collect::<Vec<_>>(), [1, 1, 1, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_delay_ends_with_the_last_of_its_rules() {
        let rules = Rules::new(1);
        let [first, second] =
            [20, 30].map(|ms| rules.add(Rule::new(Match::any(), Effect::DelayMs(ms))).unwrap());
        let verdict = rules.judge(&promote());
        let waited = async |removed: &[RuleId]| {
            let began = clock::now();
            let removing = async {
                for id in removed {
                    clock::sleep(Duration::from_millis(5)).await;
                    assert!(rules.remove(*id));
                }
            };
            tokio::join!(rules.delay(&verdict), removing);
            clock::now().duration_since(began).as_millis()
        };
        assert_eq!(waited(&[]).await, 50);
        assert_eq!(waited(&[first]).await, 50);
        assert_eq!(waited(&[second]).await, 5);
    }

    #[test]
    fn the_same_seed_draws_the_same_chances_whatever_else_passes() {
        let draws = |others: bool| {
            let rules = Rules::new(7);
            rules.add(Rule::new(Match::service("rds"), Effect::Throttle).probability(0.5)).unwrap();
            (0..64)
                .map(|_| {
                    if others {
                        rules.judge(&call("sns", "us-west-1", "Publish"));
                    }
                    fault(&rules, &promote()).is_some()
                })
                .collect::<Vec<bool>>()
        };
        assert_eq!(draws(false), draws(true));
        let fired = draws(false).into_iter().filter(|fired| *fired).count();
        assert!((16..=48).contains(&fired), "{fired} of 64 at one half");
    }

    #[test]
    fn a_rule_with_a_seed_of_its_own_draws_the_same_in_any_place() {
        let rules = Rules::new(7);
        let rule = Rule { seed: Some(3), ..Rule::new(Match::any(), Effect::Throttle).probability(0.5) };
        let draws = |rules: &Rules| {
            rules.clear();
            rules.add(rule.clone()).unwrap();
            (0..32).map(|_| fault(rules, &promote()).is_some()).collect::<Vec<bool>>()
        };
        assert_eq!(draws(&rules), draws(&rules));
    }

    #[test]
    fn a_removed_rule_is_gone_and_its_id_is_not_given_again() {
        let rules = Rules::new(1);
        let first = rules.add(Rule::new(Match::any(), Effect::Throttle)).unwrap();
        assert!(rules.remove(first));
        assert!(!rules.remove(first));
        assert_eq!(fault(&rules, &promote()), None);
        assert_ne!(rules.add(Rule::new(Match::any(), Effect::Throttle)).unwrap(), first);
        assert_eq!(rules.clear(), 1);
    }

    fn rejected(json: &str) -> Rejected {
        match from_json::<Rule>(json.as_bytes(), "see the README").and_then(|rule| Rules::new(1).add(rule)) {
            Ok(id) => panic!("{json} was taken as rule {id}"),
            Err(rejected) => rejected,
        }
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_refused_by_the_name_of_its_field() {
        for (json, field) in [
            (r#"{"match":{},"effect":{"delay_ms":0}}"#, "effect.delay_ms"),
            (r#"{"match":{},"effect":{"delay_ms":600001}}"#, "effect.delay_ms"),
            (r#"{"match":{},"effect":{"delay_ms":-1}}"#, "effect.delay_ms"),
            (r#"{"match":{},"effect":"thottle"}"#, "effect"),
            (r#"{"match":{},"effect":{"error":{"status":200,"code":"X"}}}"#, "effect.error.status"),
            (r#"{"match":{},"effect":{"error":{"status":500,"code":"<X>"}}}"#, "effect.error.code"),
            (r#"{"match":{},"effect":{"error":{"status":500}}}"#, "effect.error"),
            (r#"{"match":{},"effect":"throttle","times":0}"#, "times"),
            (r#"{"match":{},"effect":"throttle","times":"often"}"#, "times"),
            (r#"{"match":{},"effect":"throttle","probability":0}"#, "probability"),
            (r#"{"match":{},"effect":"throttle","probability":1.5}"#, "probability"),
            (r#"{"match":{"region":"mars"},"effect":"throttle"}"#, "match.region"),
            (r#"{"match":{"service":"RDS"},"effect":"throttle"}"#, "match.service"),
            (r#"{"match":{"action":"a b"},"effect":"throttle"}"#, "match.action"),
            (r#"{"match":{"principal":""},"effect":"throttle"}"#, "match.principal"),
            (r#"{"match":{"servic":"rds"},"effect":"throttle"}"#, "match.servic"),
            (r#"{"effect":"throttle"}"#, "body"),
            (r#"{"match":{},"effect":"throttle"} {}"#, "body"),
            ("", "body"),
        ] {
            let rejected = rejected(json);
            assert_eq!(rejected.field, field, "{json}: {rejected}");
            assert!(!rejected.problem.is_empty() && !rejected.remedy.is_empty(), "{json}");
        }
    }

    #[test]
    fn a_rule_reads_back_as_it_was_written() {
        let json = r#"{"match":{"service":"rds","action":"Describe*"},"effect":{"error":{"status":500,"code":"InternalFailure"}},"times":3,"probability":0.5}"#;
        let rule: Rule = from_json(json.as_bytes(), "").unwrap();
        let written = serde_json::to_value(&rule).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(json).unwrap());
        let unlimited: Rule =
            from_json(br#"{"match":{},"effect":"lose_answer","times":"unlimited"}"#, "").unwrap();
        assert_eq!((unlimited.times, unlimited.probability), (None, 1.0));
    }
}
