//! Checks what is logged, and where to.

use tracing_subscriber::EnvFilter;

use super::{Read, Reader};
use crate::config::Log;
use crate::config::load::Surroundings;
use crate::telemetry::{Color, Format, LogFiles, Rotation};

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
    })
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
