//! What was sent? Commands to workers, notices to people, samples of metrics.

use async_trait::async_trait;
use ports::{Answer, MetricSample, Metrics, Publisher};
use protocol::command::StepCommand;

use crate::faults::answer;
use crate::world::MemoryWorld;

#[async_trait]
impl Publisher for MemoryWorld {
    async fn commands(&self, commands: &[StepCommand]) -> Answer<()> {
        let lost = self.call("commands")?;
        self.inner().commands.extend(commands.iter().cloned());
        answer("commands", lost, ())
    }

    async fn notice(&self, subject: &str, text: &str) -> Answer<()> {
        let lost = self.call("notice")?;
        let mut inner = self.inner();
        inner.notices.push(text.to_owned());
        inner.subjects.push(subject.to_owned());
        drop(inner);
        answer("notice", lost, ())
    }
}

#[async_trait]
impl Metrics for MemoryWorld {
    async fn put(&self, samples: &[MetricSample]) -> Answer<()> {
        let lost = self.call("put_metrics")?;
        self.inner().samples.extend(samples.iter().cloned());
        answer("put_metrics", lost, ())
    }
}
