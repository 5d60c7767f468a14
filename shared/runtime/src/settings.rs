//! What does the environment say? The one place that reads it; every problem is reported at once.

use std::fmt;

use aws::assumed_role::PrimaryRole;
use aws::words::PeerTable;
use protocol::arn::{Arn, is_region};

/// What a function is told by its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The function's own region: the recovery region. From `AWS_REGION`.
    pub region: String,
    /// The function's name. From `AWS_LAMBDA_FUNCTION_NAME`.
    pub function: String,
    /// Who writes the journal's records: the function, and which of its instances, by its log stream.
    pub writer: String,
    /// Prefix of the plan's parameters. From `PILOTLIGHT_PLAN_PARAMETER`.
    pub plan_parameter: String,
    /// Number of the plan's parts. From `PILOTLIGHT_PLAN_PARTS`.
    pub plan_parts: u16,
    /// Name of the journal's table. From `PILOTLIGHT_JOURNAL_TABLE`.
    pub journal_table: String,
    /// ARN of the commands topic. From `PILOTLIGHT_COMMANDS_TOPIC`.
    pub commands_topic: String,
    /// ARN of the notices topic. From `PILOTLIGHT_NOTICES_TOPIC`.
    pub notices_topic: String,
    /// Name of the parameter that says which code was released together; only the readiness-checker is told. From
    /// `PILOTLIGHT_RELEASE_PARAMETER`, if it is set.
    pub release_parameter: Option<String>,
    /// The role that calls to the primary region are made as, where its account is another one; only the functions that make
    /// such calls are told. From `PILOTLIGHT_PRIMARY_ROLE` and `PILOTLIGHT_PRIMARY_EXTERNAL_ID`, if they are set.
    pub primary_role: Option<PrimaryRole>,
    /// Where the other guard keeps its journal, where there are two; only the alarm-handler is told. From
    /// `PILOTLIGHT_PEER_TABLE`, the table's ARN, if it is set.
    pub peer_table: Option<PeerTable>,
    /// One address for all services and regions: an emulator's, or a proxy's. From `AWS_ENDPOINT_URL`, if it is set.
    pub endpoint_url: Option<String>,
    /// The function's own timeout in seconds. From `PILOTLIGHT_FUNCTION_SECONDS`.
    pub function_seconds: u32,
}

/// Everything that is wrong with the environment. Its debug form is its sentence, for that is what a failed start prints.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment has {} problem(s): {}", .problems.len(), .problems.join("; "))]
pub struct SettingsError {
    /// One sentence for each problem; each names the variable and the remedy.
    pub problems: Vec<String>,
}

impl fmt::Debug for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Most parts of a plan: 400,000 characters.
const PLAN_PARTS_MAX: u16 = 100;
/// Lambda's longest timeout.
const FUNCTION_SECONDS_MAX: u32 = 900;

impl Settings {
    /// Reads the environment.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads an environment of one's own.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut reader = SettingsReader { lookup, problems: Vec::new() };
        let region = reader.region();
        let function =
            reader.required("AWS_LAMBDA_FUNCTION_NAME", "Lambda sets it; outside of it, set a name");
        let settings = Self {
            writer: reader.writer(&function),
            plan_parameter: reader.plan_parameter(),
            plan_parts: reader.number("PILOTLIGHT_PLAN_PARTS", PLAN_PARTS_MAX),
            journal_table: reader.journal_table(),
            commands_topic: reader.topic("PILOTLIGHT_COMMANDS_TOPIC", &region),
            notices_topic: reader.topic("PILOTLIGHT_NOTICES_TOPIC", &region),
            function_seconds: reader.number("PILOTLIGHT_FUNCTION_SECONDS", FUNCTION_SECONDS_MAX),
            release_parameter: reader.optional("PILOTLIGHT_RELEASE_PARAMETER"),
            primary_role: reader.primary_role(),
            peer_table: reader.peer_table(&region),
            endpoint_url: reader.endpoint_url(),
            region,
            function,
        };
        reader.refuse_bodies();
        if reader.problems.is_empty() {
            Ok(settings)
        } else {
            Err(SettingsError { problems: reader.problems })
        }
    }
}

struct SettingsReader<L> {
    lookup: L,
    problems: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> SettingsReader<L> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    /// The variable's value; an empty text if there is none, which is noted.
    fn required(&mut self, name: &str, remedy: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problems.push(format!("{name} is not set: {remedy}"));
            String::new()
        })
    }

    fn region(&mut self) -> String {
        let region =
            self.required("AWS_REGION", "Lambda sets it; outside of it, set the recovery region's name");
        if !region.is_empty() && !is_region(&region) {
            self.problems
                .push(format!("AWS_REGION is `{region}`, which is not a region: set one like us-west-1"));
        }
        region
    }

    fn writer(&self, function: &str) -> String {
        match self.optional("AWS_LAMBDA_LOG_STREAM_NAME") {
            Some(stream) => format!("{function}@{stream}"),
            None => function.to_owned(),
        }
    }

    fn plan_parameter(&mut self) -> String {
        const NAME: &str = "PILOTLIGHT_PLAN_PARAMETER";
        let prefix =
            self.required(NAME, "set the prefix of the plan's parameters, like /pilotlight/shop/plan");
        let sound = prefix.starts_with('/')
            && !prefix.ends_with('/')
            && prefix.chars().all(|c| c.is_ascii_alphanumeric() || "/_.-".contains(c));
        if !prefix.is_empty() && !sound {
            self.problems.push(format!(
                "{NAME} is `{prefix}`, which is not a parameter prefix: set one like /pilotlight/shop/plan"
            ));
        }
        prefix
    }

    fn journal_table(&mut self) -> String {
        const NAME: &str = "PILOTLIGHT_JOURNAL_TABLE";
        let table = self.required(NAME, "set the name of the journal's DynamoDB table");
        if !table.is_empty() && !is_table(&table) {
            self.problems
                .push(format!("{NAME} is `{table}`, which is not a table name: set the name, not the ARN"));
        }
        table
    }

    /// A topic must be in the function's own region: nothing may depend on another.
    fn topic(&mut self, name: &str, region: &str) -> String {
        let topic = self.required(name, "set the topic's ARN");
        if topic.is_empty() {
            return topic;
        }
        match Arn::parse(&topic).filter(Arn::is_topic) {
            None => self.problems.push(format!(
                "{name} is `{topic}`, which is not the ARN of a topic: set one like \
                 arn:aws:sns:us-west-1:123456789012:shop-commands"
            )),
            Some(arn) if !region.is_empty() && arn.region != region => self.problems.push(format!(
                "{name} is in {}, but this function runs in {region}: set a topic of {region}",
                arn.region
            )),
            Some(_) => {}
        }
        topic
    }

    /// A whole number from 1 to a bound.
    fn number<N>(&mut self, name: &str, max: N) -> N
    where
        N: Copy + PartialOrd + From<u8> + std::str::FromStr + fmt::Display,
    {
        let one = N::from(1);
        let text = self.required(name, &format!("set a whole number from 1 to {max}"));
        match text.trim().parse::<N>() {
            Ok(number) if number >= one && number <= max => number,
            _ => {
                if !text.is_empty() {
                    self.problems.push(format!("{name} is `{text}`: set a whole number from 1 to {max}"));
                }
                one
            }
        }
    }

    /// A role without its external id, or the other way round, is a slip: nothing is guessed.
    fn primary_role(&mut self) -> Option<PrimaryRole> {
        const ROLE: &str = "PILOTLIGHT_PRIMARY_ROLE";
        const ID: &str = "PILOTLIGHT_PRIMARY_EXTERNAL_ID";
        let (arn, external_id) = match (self.optional(ROLE), self.optional(ID)) {
            (None, None) => return None,
            (Some(arn), Some(external_id)) => (arn, external_id),
            (given, _) => {
                let (set, unset) = if given.is_some() { (ROLE, ID) } else { (ID, ROLE) };
                self.problems.push(format!("{unset} is not set, and {set} is: set both, or neither"));
                return None;
            }
        };
        let is_role = Arn::parse(&arn).is_some_and(|arn| {
            arn.service == "iam" && !arn.account.is_empty() && arn.resource.starts_with("role/")
        });
        if !is_role {
            self.problems.push(format!(
                "{ROLE} is `{arn}`, which is not the ARN of a role: set one like \
                 arn:aws:iam::123456789012:role/shop-primary-region"
            ));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
        let is_sound = (2..=1224).contains(&external_id.len()) && external_id.chars().all(is_plain);
        if !is_sound {
            self.problems.push(format!(
                "{ID} is not an external id: set 2 to 1224 letters, digits and _ + = , . @ : / -"
            ));
        }
        (is_role && is_sound).then_some(PrimaryRole { arn, external_id })
    }

    /// The other guard sits in another region: one that hears itself would take itself for two.
    fn peer_table(&mut self, region: &str) -> Option<PeerTable> {
        const NAME: &str = "PILOTLIGHT_PEER_TABLE";
        let text = self.optional(NAME)?;
        let arn = Arn::parse(&text).filter(|arn| arn.service == "dynamodb");
        let table = arn.as_ref().and_then(|arn| arn.resource.strip_prefix("table/"));
        let Some((arn, table)) = arn.as_ref().zip(table.filter(|table| is_table(table))) else {
            self.problems.push(format!(
                "{NAME} is `{text}`, which is not the ARN of a table: set the ARN of the other guard's journal, like \
                 arn:aws:dynamodb:us-east-2:123456789012:table/shop-journal"
            ));
            return None;
        };
        if arn.region == region {
            self.problems.push(format!(
                "{NAME} is in {region}, as this function is: set the journal of the guard in the other region"
            ));
            return None;
        }
        Some(PeerTable { region: arn.region.to_owned(), table: table.to_owned() })
    }

    fn endpoint_url(&mut self) -> Option<String> {
        const NAME: &str = "AWS_ENDPOINT_URL";
        let url = self.optional(NAME)?;
        if http::Uri::try_from(&url).is_ok_and(|uri| uri.scheme().is_some() && uri.host().is_some()) {
            return Some(url);
        }
        self.problems
            .push(format!("{NAME} is `{url}`, which is not a URL: set one like https://host, or remove it"));
        None
    }

    fn refuse_bodies(&mut self) {
        if self.optional("LOG_SENSITIVE_BODIES").is_some() {
            self.problems.push(
                "LOG_SENSITIVE_BODIES is set, and would print parameter values to the log: remove it"
                    .to_owned(),
            );
        }
    }
}

/// Whether a text can be the name of a `DynamoDB` table.
fn is_table(name: &str) -> bool {
    (3..=255).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &[(&str, &str)] = &[
        ("AWS_REGION", "us-west-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "shop-promote-replica"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/20/[$LATEST]ab"),
        ("PILOTLIGHT_PLAN_PARAMETER", "/pilotlight/shop/plan"),
        ("PILOTLIGHT_PLAN_PARTS", "2"),
        ("PILOTLIGHT_JOURNAL_TABLE", "shop-journal"),
        ("PILOTLIGHT_COMMANDS_TOPIC", "arn:aws:sns:us-west-1:123456789012:shop-commands"),
        ("PILOTLIGHT_NOTICES_TOPIC", "arn:aws:sns:us-west-1:123456789012:shop-notices"),
        ("PILOTLIGHT_FUNCTION_SECONDS", "840"),
    ];

    fn read_with(changes: &[(&str, Option<&str>)]) -> Result<Settings, SettingsError> {
        Settings::read(|name| match changes.iter().find(|(changed, _)| *changed == name) {
            Some((_, value)) => value.map(str::to_owned),
            None => SOUND.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        })
    }

    #[test]
    fn a_sound_environment_is_read() {
        let settings = read_with(&[]).unwrap();
        assert_eq!(settings.region, "us-west-1");
        assert_eq!(settings.writer, "shop-promote-replica@2026/11/20/[$LATEST]ab");
        assert_eq!((settings.plan_parts, settings.function_seconds), (2, 840));
    }

    #[test]
    fn the_endpoint_is_optional() {
        assert_eq!(read_with(&[]).unwrap().endpoint_url, None);
        let url = "http://127.0.0.1:4566";
        let settings = read_with(&[("AWS_ENDPOINT_URL", Some(url))]).unwrap();
        assert_eq!(settings.endpoint_url.as_deref(), Some(url));
    }

    #[test]
    fn without_a_log_stream_the_function_alone_is_the_writer() {
        let settings = read_with(&[("AWS_LAMBDA_LOG_STREAM_NAME", None)]).unwrap();
        assert_eq!(settings.writer, "shop-promote-replica");
    }

    const ROLE: &str = "arn:aws:iam::210987654321:role/shop-primary-region";

    #[test]
    fn the_role_of_the_primarys_account_is_optional_and_has_an_external_id() {
        assert_eq!(read_with(&[]).unwrap().primary_role, None);
        let settings = read_with(&[
            ("PILOTLIGHT_PRIMARY_ROLE", Some(ROLE)),
            ("PILOTLIGHT_PRIMARY_EXTERNAL_ID", Some("shop-7f3a")),
        ]);
        let role = settings.unwrap().primary_role.unwrap();
        assert_eq!((role.account(), role.external_id.as_str()), ("210987654321", "shop-7f3a"));
    }

    #[test]
    fn the_table_of_the_other_guard_is_optional_and_in_another_region() {
        const NAME: &str = "PILOTLIGHT_PEER_TABLE";
        assert_eq!(read_with(&[]).unwrap().peer_table, None);
        let settings =
            read_with(&[(NAME, Some("arn:aws:dynamodb:us-east-2:123456789012:table/shop-journal"))]);
        let expected = PeerTable { region: "us-east-2".to_owned(), table: "shop-journal".to_owned() };
        assert_eq!(settings.unwrap().peer_table, Some(expected));
        for (value, words) in [
            ("shop-journal", "which is not the ARN of a table: set the ARN of the other guard's journal"),
            ("arn:aws:sns:us-east-2:123456789012:table/shop-journal", "which is not the ARN of a table"),
            ("arn:aws:dynamodb:us-east-2:123456789012:table/", "which is not the ARN of a table"),
            ("arn:aws:dynamodb:us-east-2:123456789012:table/a b c", "which is not the ARN of a table"),
            (
                "arn:aws:dynamodb:us-west-1:123456789012:table/shop-journal",
                "is in us-west-1, as this function is",
            ),
        ] {
            let problems = read_with(&[(NAME, Some(value))]).unwrap_err().problems;
            assert!(problems.len() == 1 && problems[0].contains(words), "{problems:?}");
        }
    }

    #[test]
    fn half_a_role_or_a_wrong_one_is_refused() {
        for (role, id, words) in [
            (Some(ROLE), None, "PILOTLIGHT_PRIMARY_EXTERNAL_ID is not set, and PILOTLIGHT_PRIMARY_ROLE is"),
            (
                None,
                Some("shop-7f3a"),
                "PILOTLIGHT_PRIMARY_ROLE is not set, and PILOTLIGHT_PRIMARY_EXTERNAL_ID is",
            ),
            (Some("shop-primary-region"), Some("shop-7f3a"), "which is not the ARN of a role"),
            (Some("arn:aws:iam::210987654321:user/x"), Some("shop-7f3a"), "which is not the ARN of a role"),
            (Some("arn:aws:iam:::role/x"), Some("shop-7f3a"), "which is not the ARN of a role"),
            (Some(ROLE), Some("two words"), "PILOTLIGHT_PRIMARY_EXTERNAL_ID is not an external id"),
        ] {
            let error =
                read_with(&[("PILOTLIGHT_PRIMARY_ROLE", role), ("PILOTLIGHT_PRIMARY_EXTERNAL_ID", id)]);
            let problems = error.unwrap_err().problems;
            assert!(problems.len() == 1 && problems[0].contains(words), "{problems:?}");
        }
    }

    #[test]
    fn an_empty_environment_reports_every_variable_at_once() {
        let error = Settings::read(|_| None).unwrap_err();
        let needed: Vec<&str> = SOUND
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| *name != "AWS_LAMBDA_LOG_STREAM_NAME")
            .collect();
        assert_eq!(error.problems.len(), needed.len());
        for name in needed {
            let of_it: Vec<_> = error.problems.iter().filter(|problem| problem.starts_with(name)).collect();
            assert_eq!(of_it.len(), 1, "{name}: {error}");
            assert!(of_it[0].contains(" is not set: "), "{error}");
        }
    }

    #[test]
    fn there_is_no_default_region() {
        for value in [None, Some(""), Some("  ")] {
            let error = read_with(&[("AWS_REGION", value)]).unwrap_err();
            assert_eq!(
                error.to_string(),
                "the environment has 1 problem(s): AWS_REGION is not set: Lambda sets it; outside of it, set the \
                 recovery region's name"
            );
        }
    }

    #[test]
    fn every_wrong_value_is_named_with_its_remedy() {
        for (name, value, words) in [
            ("AWS_REGION", "Ohio", "set one like us-west-1"),
            ("PILOTLIGHT_PLAN_PARAMETER", "pilotlight", "set one like /pilotlight/shop/plan"),
            ("PILOTLIGHT_PLAN_PARAMETER", "/pilotlight/", "set one like /pilotlight/shop/plan"),
            ("PILOTLIGHT_PLAN_PARTS", "0", "set a whole number from 1 to 100"),
            ("PILOTLIGHT_PLAN_PARTS", "101", "set a whole number from 1 to 100"),
            ("PILOTLIGHT_PLAN_PARTS", "two", "set a whole number from 1 to 100"),
            ("PILOTLIGHT_FUNCTION_SECONDS", "901", "set a whole number from 1 to 900"),
            ("PILOTLIGHT_JOURNAL_TABLE", "arn:aws:dynamodb:x", "set the name, not the ARN"),
            ("PILOTLIGHT_COMMANDS_TOPIC", "shop-commands", "is not the ARN of a topic"),
            (
                "PILOTLIGHT_NOTICES_TOPIC",
                "arn:aws:sns:us-east-2:123456789012:shop-notices",
                "is in us-east-2, but this function runs in us-west-1",
            ),
            ("AWS_ENDPOINT_URL", "localhost", "set one like https://host, or remove it"),
            ("LOG_SENSITIVE_BODIES", "true", "remove it"),
            ("LOG_SENSITIVE_BODIES", "1", "remove it"),
        ] {
            let error = read_with(&[(name, Some(value))]).unwrap_err();
            let problem = error.problems.iter().find(|problem| problem.starts_with(name)).unwrap();
            assert!(problem.contains(words), "{problem}");
        }
    }
}
