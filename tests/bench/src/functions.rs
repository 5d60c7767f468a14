//! What does each function cost? Its package, its start, its first invocation and its memory, all of the release build.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cloud::Cloud;
use crate::function::Function;
use crate::journal::{GROWTH_MAX, LONG, SHORT};
use crate::long_log::LongLog;
use crate::measure::{Samples, ms};
use crate::package::Package;
use crate::scratch::Scratch;
use crate::table::Row;

/// Starts that are measured, each of a new process.
const STARTS: usize = 30;

/// Invocations after which the memory is read.
const INVOCATIONS: usize = 20;

/// Bounds, as the project promises them.
const COLD_START_MS_MAX: f64 = 10.0;
const ZIP_MB_MAX: f64 = 6.0;
const RESIDENT_MB_MAX: f64 = 40.0;

/// A function, and an event that it reads plan and journal for and then has nothing to do with.
struct Subject {
    name: &'static str,
    event: &'static str,
    /// How the sentence of its answer begins; any other answer is not what was to be measured.
    answer: &'static str,
}

const SUBJECTS: [Subject; 7] = [
    Subject {
        name: "alarm-handler",
        event: include_str!("../../../events/operator-status.json"),
        answer: "Nothing to do: us-east-2 serves",
    },
    Subject {
        name: "promote-replica",
        event: include_str!("../../../events/sns-step-promote.json"),
        answer: "Nothing to do: step promote of orders is not due",
    },
    Subject {
        name: "readiness-checker",
        event: include_str!("../../../events/readiness-pass.json"),
        answer: "The last readiness pass was ",
    },
    Subject {
        name: "scale-asg",
        event: include_str!("../../../events/sns-step-scale.json"),
        answer: "Nothing to do: step scale of web is not due",
    },
    Subject {
        name: "shift-traffic",
        event: include_str!("../../../events/sns-step-fence.json"),
        answer: "Nothing to do: step fence of front is not due",
    },
    Subject {
        name: "snapshot-scheduler",
        event: include_str!("../../../events/snapshots-keep.json"),
        answer: "Pilotlight keeps no snapshots: the plan shop has no section snapshots",
    },
    Subject {
        name: "ssm-replicator",
        event: include_str!("../../../events/parameter-update-in-recovery.json"),
        answer: "Nothing to do: /shop/db/url changed in us-west-1, which only receives copies",
    },
];

/// The function whose start stands beside Python's.
const COMPARED: &str = "alarm-handler";

/// At least so many times faster than Python with boto3.
const TIMES_FASTER_MIN: f64 = 25.0;

/// A function that has no plan and asks no AWS service: its package alone is measured.
const WITNESS: &str = "database-witness";

/// Measures the packages of a directory, and a function in Python beside them.
pub(crate) fn measure(packages: &Path, python: &Path) -> Result<Vec<Row>> {
    let scratch = Scratch::new()?;
    let cloud = Cloud::start()?;
    let mut rows = Vec::new();
    for subject in &SUBJECTS {
        crate::say(&format!("{}: {STARTS} starts, {INVOCATIONS} invocations", subject.name));
        let measured = subject.measure(packages, scratch.path(), &cloud);
        let (cold, measured) = measured.with_context(|| format!("{} can't be measured", subject.name))?;
        rows.extend(measured);
        if subject.name == COMPARED {
            rows.push(beside_python(&cold, python, scratch.path(), &cloud)?);
        }
    }
    cloud.check()?;
    let witness = Package::unpack(&packages.join(format!("{WITNESS}.zip")), &scratch.path().join(WITNESS))?;
    rows.push(zip_row(WITNESS, witness.zip_bytes));
    rows.extend(of_a_long_journal(packages, scratch.path())?);
    Ok(rows)
}

/// What an invocation costs with a thousand records in the journal, and with a million.
fn of_a_long_journal(packages: &Path, scratch: &Path) -> Result<Vec<Row>> {
    let [subject, ..] = &SUBJECTS;
    let name = subject.name;
    let package = Package::unpack(&packages.join(format!("{name}.zip")), &scratch.join("long-journal"))?;
    let output = scratch.join("long-journal.log");
    let measured = [SHORT, LONG].map(|records| {
        crate::say(&format!("{name}: a journal of {records} records"));
        let cloud = Cloud::with(LongLog::of(records, true)?)?;
        let (mut function, _) = Function::start(name, &package.bootstrap, &cloud, &output)?;
        subject.invoke(&mut function)?;
        let took = (0..INVOCATIONS).map(|_| subject.invoke(&mut function)).collect::<Result<Vec<_>>>()?;
        cloud.check()?;
        let took = Samples::of(took).context("nothing was measured")?;
        Ok((took, function.resident_bytes_max()?))
    });
    let [short, long]: [Result<(Samples, u64)>; 2] = measured;
    let ((short, small), (long, large)) = (short?, long?);
    let times = long.min().as_secs_f64() / short.min().as_secs_f64();
    let memory = megabytes(large) / megabytes(small);
    let shown = format!("{times:.2} times, from {} to {}", ms(short.min()), ms(long.min()));
    let resident = format!("{memory:.2} times, from {:.1} to {:.1} MB", megabytes(small), megabytes(large));
    Ok(vec![
        Row::below(format!("{name}: 1,000,000 records after 1,000"), times, GROWTH_MAX, shown, "times"),
        Row::below(format!("{name}: memory with 1,000,000 records"), memory, GROWTH_MAX, resident, "times"),
    ])
}

/// How much faster a start is than that of a function in Python that makes clients of the same services.
fn beside_python(cold: &Samples, python: &Path, scratch: &Path, cloud: &Cloud) -> Result<Row> {
    crate::say(&format!("Python with boto3: {STARTS} starts"));
    let bootstrap = scratch.join("python");
    let program = format!("#!{} -B\n{}", python.display(), include_str!("in_python.py"));
    std::fs::write(&bootstrap, program)?;
    std::fs::set_permissions(&bootstrap, Permissions::from_mode(0o755))?;
    let log = scratch.join("python.log");
    let start = || Ok(Function::start("in-python", &bootstrap, cloud, &log)?.1);
    start()?;
    let took = (0..STARTS).map(|_| start()).collect::<Result<Vec<_>>>()?;
    let took = Samples::of(took).context("nothing was measured")?;
    let times = took.median().as_secs_f64() / cold.median().as_secs_f64();
    let shown = format!("{times:.1} times faster than {}", ms(took.median()));
    let what = format!("{COMPARED}: cold start beside Python's with boto3");
    Ok(Row::at_least(what, times, TIMES_FASTER_MIN, shown, "times"))
}

impl Subject {
    fn measure(&self, packages: &Path, scratch: &Path, cloud: &Cloud) -> Result<(Samples, Vec<Row>)> {
        let name = self.name;
        let package = Package::unpack(&packages.join(format!("{name}.zip")), &scratch.join(name))?;
        let log = scratch.join(format!("{name}.log"));
        let start = || Function::start(name, &package.bootstrap, cloud, &log);

        // The first start reads the program from the disk, which Lambda has its own ways for: not counted.
        drop(start()?);
        let mut cold = Vec::with_capacity(STARTS);
        let mut first = Vec::with_capacity(STARTS);
        for _ in 0..STARTS {
            let (mut function, took) = start()?;
            cold.push(took);
            first.push(self.invoke(&mut function)?);
        }

        let (mut function, _) = start()?;
        let mut later = Vec::with_capacity(INVOCATIONS);
        for _ in 0..INVOCATIONS {
            later.push(self.invoke(&mut function)?);
        }
        let resident = function.resident_bytes_max()?;
        later.remove(0);
        let samples = |measured| Samples::of(measured).context("nothing was measured");
        let cold = samples(cold)?;
        let rows = vec![
            zip_row(name, package.zip_bytes),
            cold_row(name, &cold),
            invoke_row(name, &samples(first)?, &samples(later)?),
            resident_row(name, resident),
        ];
        Ok((cold, rows))
    }

    fn invoke(&self, function: &mut Function<'_>) -> Result<Duration> {
        let (answer, took) = function.invoke(self.event)?;
        let sentence = answer.get("sentence").and_then(Value::as_str).unwrap_or_default();
        ensure!(
            sentence.starts_with(self.answer),
            "it was to answer `{}…`, and answered {answer}",
            self.answer
        );
        Ok(took)
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below what a float counts exactly")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn zip_row(name: &str, bytes: u64) -> Row {
    let mb = megabytes(bytes);
    Row::below(format!("{name}: package"), mb, ZIP_MB_MAX, format!("{mb:.2} MB"), "MB")
}

fn cold_row(name: &str, cold: &Samples) -> Row {
    let median = cold.median().as_secs_f64() * 1000.0;
    let shown = format!("{}, longest {}", ms(cold.median()), ms(cold.max()));
    Row::below(format!("{name}: cold start"), median, COLD_START_MS_MAX, shown, "ms")
}

fn invoke_row(name: &str, first: &Samples, later: &Samples) -> Row {
    let shown = format!("{}, later ones {}", ms(first.median()), ms(later.median()));
    Row::reported(format!("{name}: first invocation"), shown)
}

fn resident_row(name: &str, bytes: u64) -> Row {
    let mb = megabytes(bytes);
    Row::below(format!("{name}: resident memory"), mb, RESIDENT_MB_MAX, format!("{mb:.1} MB"), "MB")
}
