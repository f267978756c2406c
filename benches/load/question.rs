//! What the clients ask, and how many rows are the whole answer.

/// Sessions at the simulator.
pub(crate) const SESSIONS: u64 = 6000;

/// What a client does next.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Question {
    /// One of a few that all clients ask: nearly always stored.
    Popular(u64),
    /// One that nobody has asked before: few rows.
    New(u64),
    /// One that nobody has asked before: all rows, over several pages.
    Whole(u64),
    /// The same, and the client leaves after so many bytes.
    Left(u64, usize),
}

impl Question {
    /// From two random numbers. Of a thousand questions 890 are popular, 80 new, 10 whole, and 20 are left.
    pub(crate) fn chosen(one: u64, two: u64) -> Self {
        match one % 1000 {
            0..890 => Self::Popular(two % 200 + 1),
            890..970 => Self::New(two),
            970..980 => Self::Whole(two),
            _ => Self::Left(
                two,
                usize::try_from(one / 1000 % 100_000).unwrap_or_default(),
            ),
        }
    }

    /// Its path and query.
    pub(crate) fn path(self) -> String {
        let rows = match self {
            Self::Popular(rows) => format!("$top={rows}"),
            // Nobody has such a number, so that all rows match.
            Self::New(number) => format!("$top=5&$filter=UserId%20ne%20{}", unused(number)),
            Self::Whole(number) | Self::Left(number, _) => {
                format!("$filter=UserId%20ne%20{}", unused(number))
            }
        };
        format!("/monitorodata/Sessions?$select=SessionKey,UserId&{rows}")
    }

    /// How many rows its answer has.
    pub(crate) fn rows(self) -> u64 {
        match self {
            Self::Popular(rows) => rows,
            Self::New(_) => 5,
            Self::Whole(_) | Self::Left(..) => SESSIONS,
        }
    }
}

fn unused(number: u64) -> u64 {
    1_000_000_000 + number % 1_000_000_000
}
