//! What an Amazon Resource Name says: partition, service, region, account and resource.

use unicode_normalization::UnicodeNormalization;

/// The parts of an ARN, `arn:partition:service:region:account:resource`, as they stand in the text.
///
/// Region and account are empty for the resources that have none, such as the region of an accelerator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-us-gov`, `aws-cn` and the like.
    pub partition: &'a str,
    /// The service's namespace, such as `rds`.
    pub service: &'a str,
    /// The region; empty when the resource is global.
    pub region: &'a str,
    /// The account, 12 digits; empty when the resource has none.
    pub account: &'a str,
    /// All the rest, colons and slashes included.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Longest text that is taken for an ARN. AWS's own longest documented limit is 2048.
    pub const LENGTH_MAX: usize = 2048;

    /// Takes the text apart; `None` if it isn't an ARN. Region and account are well-formed or empty afterwards.
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > Self::LENGTH_MAX || text.chars().any(char::is_control) {
            return None;
        }
        let mut parts = text.splitn(6, ':');
        let (prefix, partition) = (parts.next()?, parts.next()?);
        let (service, region, account, resource) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let sound = prefix == "arn"
            && (partition == "aws" || partition.starts_with("aws-"))
            && !service.is_empty()
            && (region.is_empty() || is_region(region))
            && (account.is_empty() || is_account(account))
            && !resource.is_empty();
        sound.then_some(Self { partition, service, region, account, resource })
    }

    /// Whether this is the ARN of an alarm, with its region and account.
    pub fn is_alarm(&self) -> bool {
        self.service == "cloudwatch"
            && !self.region.is_empty()
            && !self.account.is_empty()
            && self.resource.strip_prefix("alarm:").is_some_and(|name| !name.is_empty())
    }

    /// Whether this is the ARN of an SNS topic that a function can be subscribed to; a FIFO topic can't be one.
    pub fn is_topic(&self) -> bool {
        self.service == "sns"
            && !self.region.is_empty()
            && !self.account.is_empty()
            && self.resource.len() <= 256
            && self.resource.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    }
}

/// An alarm's name: everything after `:alarm:` in its ARN, colons and slashes included.
pub fn alarm_name(arn: &str) -> &str {
    let name = Arn::parse(arn).and_then(|arn| arn.resource.strip_prefix("alarm:"));
    name.unwrap_or(arn)
}

/// Whether two ARNs name the same thing: letters with accents may be written composed or decomposed. Terraform composes
/// every text, CloudWatch keeps what it was given.
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || (!one.is_ascii() && !other.is_ascii() && one.nfc().eq(other.nfc()))
}

/// A text with its accents composed: the one form in which names are compared.
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// The ways in which a text may be written: as it stands, composed, decomposed; each once.
pub fn spellings(text: &str) -> Vec<String> {
    let mut spellings = vec![text.to_owned()];
    if !text.is_ascii() {
        spellings.extend([text.nfc().collect(), text.nfd().collect()]);
        spellings.sort();
        spellings.dedup();
    }
    spellings
}

/// Whether a text looks like a region: `us-east-2`, `us-gov-west-1`, `eusc-de-east-1`.
pub fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let [first, middle @ .., last] = parts.as_slice() else {
        return false;
    };
    text.len() <= 30
        && (2..=4).contains(&first.len())
        && letters(first)
        && !middle.is_empty()
        && middle.iter().all(letters)
        && (1..=2).contains(&last.len())
        && last.bytes().all(|b| b.is_ascii_digit())
}

/// The partition that a region belongs to, by its name.
pub fn partition_of(region: &str) -> &'static str {
    const OTHERS: [(&str, &str); 7] = [
        ("us-gov-", "aws-us-gov"),
        ("cn-", "aws-cn"),
        ("eusc-", "aws-eusc"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
    ];
    OTHERS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// The regions of the partition `aws` that an account need not enable: those from before 2019. AWS adds none to them.
pub const ENABLED_BY_DEFAULT: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Whether an account must enable a region of the partition `aws` before it can be used.
pub fn is_opt_in(region: &str) -> bool {
    partition_of(region) == "aws" && !ENABLED_BY_DEFAULT.contains(&region)
}

/// Whether a text looks like an account: 12 digits.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_arn_is_taken_apart_with_the_colons_of_its_name() {
        let arn = Arn::parse("arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop: errors").unwrap();
        assert_eq!(arn.region, "us-east-2");
        assert_eq!(arn.account, "123456789012");
        assert_eq!(arn.resource, "alarm:shop: errors");
        assert!(arn.is_alarm());
    }

    #[test]
    fn an_alarms_name_is_everything_after_its_first_colon() {
        for name in
            ["shop-down", "TargetTracking-function:shop:BLUE-AlarmHigh-1", "Laden: 5xx über / b", "a:alarm:b"]
        {
            assert_eq!(alarm_name(&format!("arn:aws:cloudwatch:us-east-2:123456789012:alarm:{name}")), name);
        }
        assert_eq!(alarm_name("not an ARN"), "not an ARN");
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same_and_other_letters_are_not() {
        let (composed, decomposed) = ("alarm:\u{dc}berlast-\u{e9}", "alarm:U\u{308}berlast-e\u{301}");
        assert!(is_same(composed, decomposed) && is_same(decomposed, composed));
        assert!(!is_same(composed, "alarm:Uberlast-e") && !is_same("alarm:a", "alarm:A"));
        assert_eq!(spellings(composed), [decomposed, composed]);
        assert_eq!(spellings("alarm:a"), ["alarm:a"]);
    }

    #[test]
    fn what_is_not_an_arn_is_refused() {
        for text in [
            "",
            "arn",
            "arn:aws:rds:us-east-2:123456789012",
            "arn:aws:rds:us-east-2:123456789012:",
            "arn:amazon:rds:us-east-2:123456789012:db:x",
            "arn:aws:rds:Ohio:123456789012:db:x",
            "arn:aws:rds:us-east-2:1234:db:x",
            "nra:aws:rds:us-east-2:123456789012:db:x",
            "arn:aws:rds:us-east-2:123456789012:db:\n",
        ] {
            assert_eq!(Arn::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn regions_of_every_partition_look_like_regions_and_other_texts_do_not() {
        for text in ["us-east-2", "us-gov-west-1", "ap-southeast-4", "cn-north-1", "eusc-de-east-1"] {
            assert!(is_region(text), "{text}");
        }
        for text in ["", "us-east", "us-east-2a", "US-EAST-2", "us--2", "2-east-us", "us-east-", "useast2"] {
            assert!(!is_region(text), "{text}");
        }
    }

    #[test]
    fn a_regions_name_says_its_partition_and_whether_it_must_be_enabled() {
        for (region, partition, opt_in) in [
            ("us-east-2", "aws", false),
            ("ap-northeast-3", "aws", false),
            ("me-west-1", "aws", true),
            ("sa-west-1", "aws", true),
            ("xx-future-9", "aws", true),
            ("us-gov-west-1", "aws-us-gov", false),
            ("cn-north-1", "aws-cn", false),
            ("eusc-de-east-1", "aws-eusc", false),
            ("us-isob-east-1", "aws-iso-b", false),
            ("us-iso-east-1", "aws-iso", false),
        ] {
            assert_eq!((partition_of(region), is_opt_in(region)), (partition, opt_in), "{region}");
        }
        assert!(ENABLED_BY_DEFAULT.is_sorted());
    }

    #[test]
    fn a_fifo_topic_or_another_service_is_not_a_topic() {
        for (text, expected) in [
            ("arn:aws:sns:us-east-2:123456789012:shop-signals", true),
            ("arn:aws:sns:us-east-2:123456789012:shop-signals.fifo", false),
            ("arn:aws:sqs:us-east-2:123456789012:shop-signals", false),
        ] {
            assert_eq!(Arn::parse(text).unwrap().is_topic(), expected, "{text}");
        }
    }
}
