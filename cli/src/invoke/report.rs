//! The `REPORT` line of a log, or the `platform.report` of one in JSON, read back.

use serde_json::Value;

/// What `REPORT` says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Report {
    pub duration_ms: f64,
    pub billed_ms: u64,
    pub memory_mb: u64,
    pub max_memory_used_mb: u64,
    pub init_ms: Option<f64>,
}

impl Report {
    /// Reads a line; `None` if it is no report, or one without these fields.
    pub(super) fn parse(line: &str) -> Option<Self> {
        if line.starts_with('{') {
            return Self::from_record(&serde_json::from_str(line).ok()?);
        }
        let fields = line.trim_end().strip_prefix("REPORT ")?;
        let field = |name: &str| {
            fields
                .split('\t')
                .find_map(|field| field.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
        };
        let number = |name: &str, unit: &str| field(name)?.strip_suffix(unit)?.trim_end().parse::<f64>().ok();
        let whole = |name: &str, unit: &str| field(name)?.strip_suffix(unit)?.trim_end().parse::<u64>().ok();
        Some(Self {
            duration_ms: number("Duration", "ms")?,
            billed_ms: whole("Billed Duration", "ms")?,
            memory_mb: whole("Memory Size", "MB")?,
            max_memory_used_mb: whole("Max Memory Used", "MB")?,
            init_ms: number("Init Duration", "ms"),
        })
    }

    fn from_record(line: &Value) -> Option<Self> {
        let metrics = line.get("record")?.get("metrics").filter(|_| line["type"] == "platform.report")?;
        let number = |name: &str| metrics.get(name)?.as_f64();
        let whole = |name: &str| metrics.get(name)?.as_u64();
        Some(Self {
            duration_ms: number("durationMs")?,
            billed_ms: whole("billedDurationMs")?,
            memory_mb: whole("memorySizeMB")?,
            max_memory_used_mb: whole("maxMemoryUsedMB")?,
            init_ms: number("initDurationMs"),
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::RequestId;
    use domain::log_lines::{Ending, ReportLine};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_the_shim_writes_is_read_back(
            id: [u8; 16],
            duration in 0_u32..90_000_000,
            init in proptest::option::of(0_u32..1_000_000),
            memory in 128_u32..10_240,
            used in 0_u64..20_000,
            failed: bool,
        ) {
            let hundredths = |value: u32| f64::from(value) / 100.0;
            let line = ReportLine {
                trace: None,
                request: RequestId::from_random_bytes(id),
                duration_ms: hundredths(duration),
                init_ms: init.map(hundredths),
                memory_mb: memory,
                max_memory_used_mb: used,
                ending: if failed { Ending::TimedOut } else { Ending::Success },
            };
            let report = Report::parse(&line.to_line()).unwrap();
            prop_assert!((report.duration_ms - line.duration_ms).abs() < 0.006);
            prop_assert_eq!(report.billed_ms, line.billed_ms());
            prop_assert_eq!((report.memory_mb, report.max_memory_used_mb), (u64::from(memory), used));
            prop_assert_eq!(report.init_ms.is_some(), init.is_some());
        }

        #[test]
        fn no_line_makes_the_reader_panic(line in "(REPORT )?[\\PC\\t]{0,80}") {
            prop_assert!(Report::parse(&line).is_none_or(|report| report.duration_ms.is_finite()));
        }
    }

    #[test]
    fn a_json_log_s_report_is_read_too() {
        let metrics = r#"{"durationMs":8.184,"billedDurationMs":123,"memorySizeMB":512,"maxMemoryUsedMB":11,"initDurationMs":114.151}"#;
        let line = |kind: &str| format!(r#"{{"time":"t","type":"{kind}","record":{{"metrics":{metrics}}}}}"#);
        let expected = Report {
            duration_ms: 8.184,
            billed_ms: 123,
            memory_mb: 512,
            max_memory_used_mb: 11,
            init_ms: Some(114.151),
        };
        assert_eq!(Report::parse(&line("platform.report")), Some(expected));
        assert_eq!(Report::parse(&line("platform.runtimeDone")), None);
    }

    #[test]
    fn other_lines_are_no_report() {
        assert_eq!(Report::parse("END RequestId: x"), None);
        assert_eq!(Report::parse("REPORT RequestId: x\tDuration: 1.00 ms"), None);
    }
}
