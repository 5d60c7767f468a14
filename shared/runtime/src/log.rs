//! How is the log opened? By the two settings that Lambda itself gives; no filter language, which would bring a regular
//! expression engine along and weigh a quarter of a function.

use tracing::level_filters::LevelFilter;

/// Opens the log: JSON if `AWS_LAMBDA_LOG_FORMAT` says so, by the level of `AWS_LAMBDA_LOG_LEVEL`. There is no TRACE whatever
/// it says: the SDK prints bodies there, and with them parameter values. A release build has no DEBUG either: only the
/// SDK speaks there. Call it once, first of all.
#[expect(
    clippy::disallowed_methods,
    reason = "the log is open before the settings are read, to log their problems"
)]
pub fn open_log() {
    let level = level(std::env::var("AWS_LAMBDA_LOG_LEVEL").ok().as_deref());
    // CloudWatch stamps each line, and colours are noise to it.
    let log =
        tracing_subscriber::fmt().with_max_level(level).with_target(false).with_ansi(false).without_time();
    if std::env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("json")) {
        log.json().with_span_list(false).init();
    } else {
        log.init();
    }
}

/// Lambda's names of levels; it has one more than we have, and anything else is taken for the usual one.
fn level(name: Option<&str>) -> LevelFilter {
    match name.map(str::to_ascii_lowercase).as_deref() {
        Some("trace" | "debug") => LevelFilter::DEBUG,
        Some("warn") => LevelFilter::WARN,
        Some("error" | "fatal") => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambdas_levels_are_read_in_any_case_and_anything_else_is_info() {
        let levels = [
            (Some("DEBUG"), LevelFilter::DEBUG),
            (Some("TRACE"), LevelFilter::DEBUG),
            (Some("warn"), LevelFilter::WARN),
            (Some("FATAL"), LevelFilter::ERROR),
            (Some("loud"), LevelFilter::INFO),
            (None, LevelFilter::INFO),
        ];
        for (name, expected) in levels {
            assert_eq!(level(name), expected, "{name:?}");
        }
    }
}
