//! Faults of an estate: each has a place, and all of them can be drawn.

use lineclear_estate::LoadError;
use miette::{GraphicalReportHandler, GraphicalTheme};

/// The value, or nothing once its faults were drawn as the command line draws them.
pub fn shown<T>(read: Result<T, LoadError>) -> Option<T> {
    let error = match read {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    assert!(!error.faults().is_empty(), "refused without a reason");
    assert!(error.faults().iter().all(|fault| !fault.message.is_empty() && !fault.path.is_empty()));
    let mut drawn = error.to_string();
    let draw = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    draw.render_report(&mut drawn, &error).expect("a fault can be drawn");
    None
}
