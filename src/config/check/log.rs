//! Checks what is logged, and where to.

use tracing_subscriber::EnvFilter;

use url::Url;

use super::{Read, Reader, address};
use crate::config::Log;
use crate::config::load::Surroundings;
use crate::telemetry::{Color, Format, LogFiles, Rotation, TRACES_BUILT_IN};

pub(super) fn check(reader: &mut Reader<'_>, surroundings: &Surroundings) -> Read<Log> {
    let filter = reader.text("log.filter").and_then(|filter| {
        match EnvFilter::builder().parse(&filter) {
            Ok(_) => Ok(filter),
            Err(_) => reader.refuse(
                "log.filter",
                "this is not a filter for log output",
                "write a level (error, warn, info, debug, trace), or \"info,citrix_odata_proxy=debug\"",
            ),
        }
    });
    let format = reader.choice("log.format", &[Format::Text, Format::Json]);
    let files = files(reader, surroundings);
    let traces = traces(reader, TRACES_BUILT_IN);
    // https://no-color.org
    let color = match surroundings.variable("NO_COLOR") {
        Some(value) if !value.is_empty() => Color::Never,
        _ => Color::Auto,
    };
    Ok(Log {
        filter: filter?,
        format: format?,
        color,
        files: files?,
        traces: traces?,
    })
}

/// A collector that nothing would be sent to is a mistake, and not to be passed over.
fn traces(reader: &mut Reader<'_>, built_in: bool) -> Read<Option<Url>> {
    const NAME: &str = "log.traces";
    let collector = address::collector(reader, NAME)?;
    if collector.is_some() && !built_in {
        return reader.refuse(
            NAME,
            "this program was built without OpenTelemetry, and cannot send traces",
            "remove the setting, or build the program with `cargo build --release --features otel`",
        );
    }
    Ok(collector)
}

/// Settings of files are checked even when there are none.
fn files(reader: &mut Reader<'_>, surroundings: &Surroundings) -> Read<Option<LogFiles>> {
    let folder = reader.path("log.folder");
    let rotation = reader.choice("log.rotate", &[Rotation::Daily, Rotation::Hourly]);
    let keep = reader.count("log.keep");
    let (rotation, keep) = (rotation?, keep?);
    let folder = folder?.or_else(|| surroundings.log_folder.clone());
    Ok(folder.map(|folder| LogFiles {
        folder,
        rotation,
        keep,
    }))
}
