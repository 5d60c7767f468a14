//! What differs between the two regions, by name and by what of it; never a value. Changes nothing.

use protocol::parameters::diff::PairVerdict;
use protocol::parameters::direction::direction;
use protocol::parameters::survey::survey;
use serde_json::{Value, json};

use super::pass::missing;
use super::reader::BATCH;
use super::write_permit::Leave;
use super::{ParameterReplication, unreadable};
use crate::fault::Fault;

/// Most parameters that an answer spells out.
const SHOWN_MAX: usize = 200;

impl ParameterReplication<'_> {
    /// Compares both sides. It may be asked at any time, also while nothing may be written.
    pub(super) async fn drift(&self, deep: bool) -> Result<Value, Fault> {
        let leave = Leave::ask(self.conductor).await?;
        let standstill = leave.direction().err();
        let direction = match direction(&self.conductor.plan, &leave.log().state) {
            Ok(direction) => direction,
            Err(sentence) => return Ok(json!({ "sentence": format!("{sentence}.") })),
        };
        let ground = self.ground(&direction)?;
        let reader = self.reader();
        let listings = futures::try_join!(
            reader.listing(&ground, &direction.from),
            reader.listing(&ground, &direction.to),
            reader.copies(&ground, &direction.to),
        );
        let (source, destination, copies) = listings.map_err(|failure| unreadable(&direction, &failure))?;
        let seen = self.seen(deep).await;
        let survey = survey(&ground, &source, &destination, &copies, &seen);
        let mut differing = Differing::default();
        for name in &survey.overridden_missing {
            differing.note(name, &["missing"], &missing(&direction, name));
        }
        for name in &survey.orphans {
            let kept = survey.orphans_kept.clone();
            let sentence = kept.unwrap_or_else(|| {
                format!("{name} no longer exists in {}: the next pass deletes its copy.", direction.from)
            });
            differing.note(name, &["gone"], &sentence);
        }
        let mut compared = 0;
        for batch in survey.compare.chunks(BATCH) {
            if self.conductor.clock.now() >= reader.until {
                break;
            }
            let looked = reader.compare(&ground, batch).await;
            for one in looked.map_err(|failure| unreadable(&direction, &failure))? {
                match one.verdict {
                    PairVerdict::Same => {}
                    PairVerdict::Blocked { what, sentence } => {
                        differing.note(&one.source.name, &what, &sentence);
                    }
                    PairVerdict::Write(writes) => {
                        let sentence = format!(
                            "{} in {} differs from {}.",
                            one.source.name, direction.to, direction.from
                        );
                        differing.note(&one.source.name, &writes.what, &sentence);
                    }
                }
            }
            compared += batch.len();
        }
        let unknown = survey.compare.len() - compared;
        let sentence = differing.sentence(source.len(), unknown, &direction.from, &direction.to);
        Ok(json!({
            "sentence": sentence,
            "from": direction.from,
            "to": direction.to,
            "standstill": standstill,
            "differs": differing.shown,
            "differing": differing.count,
            "compared": survey.unchanged.len() + compared,
            "not_compared": unknown,
            "overridden": survey.overridden,
        }))
    }
}

#[derive(Default)]
struct Differing {
    count: usize,
    shown: Vec<Value>,
}

impl Differing {
    fn note(&mut self, name: &str, what: &[&str], sentence: &str) {
        self.count += 1;
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(json!({ "name": name, "differs": what, "sentence": sentence }));
        }
    }

    fn sentence(&self, all: usize, unknown: usize, from: &str, to: &str) -> String {
        let rest = match unknown {
            0 => String::new(),
            unknown => format!("; {unknown} could not be compared in time, run drift again"),
        };
        match self.count {
            0 => format!("No difference was found between {from} and {to} in {all} parameters{rest}."),
            count => format!("{count} parameters differ between {from} and {to}, of {all}{rest}."),
        }
    }
}
