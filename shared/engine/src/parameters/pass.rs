//! A full pass: list both sides, compare what is not known to be the same, write what differs, and last of all delete.

use protocol::maintenance::PassOutcome;
use protocol::parameters::diff::PairVerdict;
use protocol::parameters::direction::CopyRegions;
use protocol::parameters::fingerprints::Fingerprints;
use protocol::parameters::ground::Ground;
use protocol::parameters::survey::{Survey, survey};
use serde_json::{Value, json};

use super::reader::{BATCH, ComparedValues, Reader};
use super::report::Report;
use super::write_permit::Leave;
use super::writer::{Done, Writer};
use super::{ParameterReplication, unreadable, why};
use crate::fault::Fault;

impl ParameterReplication<'_> {
    /// Copies whatever differs.
    pub(super) async fn pass(&self, deep: bool) -> Result<Value, Fault> {
        let leave = Leave::ask(self.conductor).await?;
        let direction = match leave.direction() {
            Ok(direction) => direction,
            Err(sentence) => return Ok(json!({ "sentence": format!("{sentence}.") })),
        };
        let copied = self.copy(leave, &direction, deep).await;
        let outcome = match &copied {
            Ok(report) => report.outcome(),
            Err(fault) => PassOutcome::Failed { why: why(&fault.message) },
        };
        self.keep(&direction, outcome).await;
        copied?.answer(&direction)
    }

    async fn copy(&self, leave: Leave<'_>, direction: &CopyRegions, deep: bool) -> Result<Report, Fault> {
        let ground = self.ground(direction)?;
        let reader = self.reader();
        let listings = futures::try_join!(reader.listing(&ground, &direction.from), async {
            let listing = reader.listing(&ground, &direction.to).await?;
            Ok((listing, reader.copies(&ground, &direction.to).await?))
        },);
        let (source, (destination, copies)) = listings.map_err(|failure| unreadable(direction, &failure))?;
        let before = self.seen(deep).await;
        let survey = survey(&ground, &source, &destination, &copies, &before);
        let per_second = ground.parameters.puts_per_second;
        let writer = Writer::new(self.stores, self.conductor, leave, direction, per_second, self.until());
        let mut pass =
            Pass { ground, reader, writer, report: Report::default(), seen: Fingerprints::default() };
        let outcome = pass.run(&survey).await;
        let Pass { report, seen, .. } = pass;
        if seen != before {
            self.save(&seen).await;
        }
        outcome.map(|()| report)
    }
}

struct Pass<'p> {
    ground: Ground<'p>,
    reader: Reader<'p>,
    writer: Writer<'p>,
    report: Report,
    seen: Fingerprints,
}

impl Pass<'_> {
    async fn run(&mut self, survey: &Survey<'_>) -> Result<(), Fault> {
        let direction = self.ground.direction;
        for (source, copy) in &survey.unchanged {
            self.seen.note(direction, source, copy);
        }
        self.report.same = survey.unchanged.len();
        self.report.overridden = survey.overridden;
        self.report.troubles =
            survey.overridden_missing.iter().map(|name| missing(direction, name)).collect();
        self.report.troubles.extend(survey.orphans_kept.clone());
        self.compare_all(survey).await?;
        if self.report.ended.is_none() && survey.orphans_kept.is_none() {
            self.delete_all(survey).await?;
        }
        Ok(())
    }

    async fn compare_all(&mut self, survey: &Survey<'_>) -> Result<(), Fault> {
        let direction = self.ground.direction;
        let mut done = 0;
        for batch in survey.compare.chunks(BATCH) {
            if self.reader.clock.now() >= self.reader.until {
                self.report.ended = Some("the function's time is up".to_owned());
                break;
            }
            let looked = self.reader.compare(&self.ground, batch).await;
            let looked = looked.map_err(|failure| unreadable(direction, &failure))?;
            // What is gone by now was looked at too.
            let mut rest = batch.len();
            for one in &looked {
                if !self.settle(one).await? {
                    self.report.left += survey.compare.len() - done - (batch.len() - rest);
                    return Ok(());
                }
                rest -= 1;
            }
            done += batch.len();
        }
        self.report.left += survey.compare.len() - done;
        Ok(())
    }

    /// Does what was decided of a pair; false when nothing more may be written.
    async fn settle(&mut self, looked: &ComparedValues<'_>) -> Result<bool, Fault> {
        let writes = match &looked.verdict {
            PairVerdict::Same => {
                self.report.same += 1;
                if let Some(copy) = looked.copy {
                    self.seen.note(self.ground.direction, looked.source, copy);
                }
                return Ok(true);
            }
            PairVerdict::Blocked { sentence, .. } => {
                self.report.troubles.push(sentence.clone());
                return Ok(true);
            }
            PairVerdict::Write(writes) => writes,
        };
        match self.writer.write(&looked.source.name, writes, &looked.value).await? {
            Done::Stands => {
                tracing::info!(differs = ?writes.what, "{}", writes.sentence);
                match &writes.put {
                    Some(put) if put.created_with.is_some() => self.report.made += 1,
                    Some(_) => self.report.written += 1,
                    None => self.report.retouched += 1,
                }
            }
            Done::Moot => self.report.left += 1,
            Done::Failed(trouble) => self.report.troubles.push(trouble),
            Done::Ends(why) => {
                self.report.ended = Some(why);
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn delete_all(&mut self, survey: &Survey<'_>) -> Result<(), Fault> {
        for (index, name) in survey.orphans.iter().enumerate() {
            match self.writer.delete(&self.reader, name).await? {
                Done::Stands => {
                    tracing::info!(
                        "Deleted {name} in {}: {} does not have it.",
                        self.ground.direction.to,
                        self.ground.direction.from
                    );
                    self.report.deleted += 1;
                }
                Done::Moot => {}
                Done::Failed(trouble) => self.report.troubles.push(trouble),
                Done::Ends(why) => {
                    self.report.ended = Some(why);
                    self.report.left += survey.orphans.len() - index;
                    break;
                }
            }
        }
        Ok(())
    }
}

/// What an override must have on both sides.
pub(super) fn missing(direction: &CopyRegions, name: &str) -> String {
    format!(
        "parameters.overrides lists {name}, but it does not exist in {}: create it there with its own value",
        direction.to
    )
}
