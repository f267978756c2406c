//! Asks the operator's questions when they are due.

use std::sync::Arc;

use tokio::time::sleep;

use super::Scheduled;
use super::agenda::{Agenda, End};
use super::board::{Board, LastRun, RunResult};
use super::errand::{Ended, Errands, What};
use super::metrics::Why;
use crate::clock::Clock;
use crate::gateway::{Ask, Directives, Party};
use crate::odata::representation::Representation;
use crate::telemetry;

/// Asks the `questions` of one site, each with its row on the `board`, one after the other: at first all of them, then by
/// their schedules, whether or not the answers are still fresh. Never ends.
pub(super) async fn keep(
    questions: Vec<(usize, Scheduled)>,
    errands: Errands,
    clock: Arc<dyn Clock>,
    board: Board,
) {
    let schedules = questions
        .iter()
        .map(|(_, question)| question.schedule.clone());
    let mut agenda = Agenda::new(schedules, clock.now());
    loop {
        let now = clock.now();
        let due = agenda.due(now);
        for (at, (row, _)) in questions.iter().enumerate() {
            board.set_next(*row, agenda.next(at));
        }
        let Some((at, (row, question))) = due.and_then(|at| Some((at, questions.get(at)?))) else {
            sleep(agenda.pause(now)).await;
            continue;
        };
        board.begin(*row);
        let ended = errands
            .run(&question.site, ask(question), Why::Schedule)
            .await;
        let end = match &ended.what {
            What::Made(_) => End::Good,
            What::Underway => End::Open,
            What::Failed(error) if error.is_trouble() => End::Trouble,
            What::Failed(_) => End::Hopeless,
        };
        agenda.ended(at, now, clock.now(), end);
        let result = result(&ended);
        board.end(
            *row,
            LastRun {
                at: now,
                took: ended.took,
                result,
            },
        );
    }
}

/// As Power BI, Excel and most others ask: JSON with minimal metadata, all of it at once.
fn ask(question: &Scheduled) -> Ask {
    Ask {
        question: question.question.clone().into(),
        representation: Representation::default(),
        page_size: None,
        directives: Directives::default(),
        party: Party::default(),
    }
}

fn result(ended: &Ended) -> RunResult {
    match &ended.what {
        What::Made(made) if made.kept => RunResult::Stored { rows: made.rows },
        What::Made(made) => RunResult::NotKept { rows: made.rows },
        What::Underway => RunResult::Underway,
        What::Failed(error) => RunResult::Failed {
            error: telemetry::chain(error.as_ref()),
        },
    }
}
