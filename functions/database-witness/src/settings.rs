//! What does the environment say to the witness? Two things; every problem is reported at once.

use std::path::Path;

use protocol::arn::is_region;
use runtime::settings::SettingsError;

use crate::postgres::Authorities;

/// What the witness is told by its environment.
#[derive(Clone, Debug)]
pub struct WitnessSettings {
    /// The function's own region, which its tokens are signed for. From `AWS_REGION`.
    pub region: String,
    /// Who may have issued a database's certificate. From the file that `PILOTLIGHT_DATABASE_AUTHORITIES` names.
    pub authorities: Authorities,
}

impl WitnessSettings {
    /// Reads the environment, and the file of the authorities.
    ///
    /// # Errors
    /// A variable is missing or wrong, or the file has no certificate.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads an environment of one's own.
    ///
    /// # Errors
    /// A variable is missing or wrong, or the file has no certificate.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let set = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        match (region(set("AWS_REGION")), authorities(set("PILOTLIGHT_DATABASE_AUTHORITIES"))) {
            (Ok(region), Ok(authorities)) => Ok(Self { region, authorities }),
            (region, authorities) => {
                let problems = [region.err(), authorities.err()].into_iter().flatten().collect();
                Err(SettingsError { problems })
            }
        }
    }
}

fn region(value: Option<String>) -> Result<String, String> {
    const NAME: &str = "AWS_REGION";
    let region = value.ok_or_else(|| {
        format!("{NAME} is not set: Lambda sets it; outside of it, set the databases' region")
    })?;
    if is_region(&region) {
        Ok(region)
    } else {
        Err(format!("{NAME} is `{region}`, which is not a region: set one like us-west-1"))
    }
}

fn authorities(value: Option<String>) -> Result<Authorities, String> {
    const NAME: &str = "PILOTLIGHT_DATABASE_AUTHORITIES";
    const REMEDY: &str =
        "set the path of a PEM file with RDS's certificate authorities, like /opt/rds-authorities.pem";
    let path = value.ok_or_else(|| format!("{NAME} is not set: {REMEDY}"))?;
    let pem = std::fs::read(Path::new(&path))
        .map_err(|error| format!("{NAME} is `{path}`, which can't be read ({error}): {REMEDY}"))?;
    Authorities::from_pem(&pem).map_err(|why| format!("{NAME} is `{path}`, and {why}: {REMEDY}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::test_authority::{PEM, PemFile};

    fn read(region: Option<&str>, authorities: Option<&str>) -> Result<WitnessSettings, SettingsError> {
        WitnessSettings::read(|name| match name {
            "AWS_REGION" => region.map(str::to_owned),
            "PILOTLIGHT_DATABASE_AUTHORITIES" => authorities.map(str::to_owned),
            _ => None,
        })
    }

    #[test]
    fn a_sound_environment_is_read() {
        let file = PemFile::with(PEM);
        let settings = read(Some("us-west-1"), Some(file.path())).unwrap();
        assert_eq!(settings.region, "us-west-1");
    }

    #[test]
    fn every_problem_is_named_at_once_with_its_remedy() {
        for value in [None, Some(""), Some(" ")] {
            let problems = read(value, value).unwrap_err().problems;
            assert_eq!(
                problems,
                [
                    "AWS_REGION is not set: Lambda sets it; outside of it, set the databases' region",
                    "PILOTLIGHT_DATABASE_AUTHORITIES is not set: set the path of a PEM file with RDS's certificate \
                     authorities, like /opt/rds-authorities.pem",
                ]
            );
        }
        let empty = PemFile::with("");
        let broken = PemFile::with("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        for (region, path, words) in [
            ("Ohio", None, "AWS_REGION is `Ohio`, which is not a region: set one like us-west-1"),
            (
                "us-west-1",
                Some("/nowhere/x.pem"),
                "PILOTLIGHT_DATABASE_AUTHORITIES is `/nowhere/x.pem`, which can't",
            ),
            ("us-west-1", Some(empty.path()), "and it holds no certificate: set the path of a PEM file"),
            ("us-west-1", Some(broken.path()), "and it holds no certificate of an authority: set the path"),
        ] {
            let sound = PemFile::with(PEM);
            let problems = read(Some(region), Some(path.unwrap_or(sound.path()))).unwrap_err().problems;
            assert!(problems.len() == 1 && problems[0].contains(words), "{problems:?}");
        }
    }
}
