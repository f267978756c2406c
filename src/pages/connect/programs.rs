//! The programs that read the data.

/// A program, or a way to use one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// Power BI Desktop.
    PowerBi,
    /// The Power BI service, by way of the on-premises data gateway.
    PowerBiGateway,
    /// Excel's Power Query.
    Excel,
    /// Tableau Desktop.
    Tableau,
    /// Grafana with the Infinity plugin.
    Grafana,
    /// Windows PowerShell and PowerShell 7.
    PowerShell,
    /// Python with pandas.
    Python,
}

impl Program {
    /// All of them, as they are listed.
    pub(super) const ALL: [Self; 7] = [
        Self::PowerBi,
        Self::PowerBiGateway,
        Self::Excel,
        Self::Tableau,
        Self::Grafana,
        Self::PowerShell,
        Self::Python,
    ];

    /// The program of that name in a path.
    pub(super) fn named(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|program| program.slug() == slug)
    }

    /// Its name in a path.
    pub(super) fn slug(self) -> &'static str {
        match self {
            Self::PowerBi => "power-bi",
            Self::PowerBiGateway => "power-bi-gateway",
            Self::Excel => "excel",
            Self::Tableau => "tableau",
            Self::Grafana => "grafana",
            Self::PowerShell => "powershell",
            Self::Python => "python",
        }
    }

    /// The path of its page.
    pub(super) fn path(self) -> String {
        format!("/connect/{}", self.slug())
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PowerBi => "Power BI Desktop",
            Self::PowerBiGateway => "Power BI service",
            Self::Excel => "Excel",
            Self::Tableau => "Tableau",
            Self::Grafana => "Grafana",
            Self::PowerShell => "PowerShell",
            Self::Python => "Python",
        }
    }

    /// What it does well with this data.
    pub(super) fn strength(self) -> &'static str {
        match self {
            Self::PowerBi => {
                "Reports over many related tables, opened by a connection file. Incremental refresh keeps what Citrix \
                 Cloud has removed."
            }
            Self::PowerBiGateway => {
                "The same reports, refreshed by schedule: the on-premises data gateway asks the proxy on its own machine."
            }
            Self::Excel => {
                "One table, filtered and refreshed in a sheet, by the same Power Query as in Power BI."
            }
            Self::Tableau => {
                "Whole tables as extracts. Tableau sends no filters along, so small tables suit it best."
            }
            Self::Grafana => {
                "Charts beside your other monitoring, by the Infinity plugin, for the time range of the dashboard."
            }
            Self::PowerShell => {
                "Exports and checks by schedule, with nothing to install: to CSV, or on to other systems."
            }
            Self::Python => {
                "Analysis in pandas and notebooks. Each answer comes whole, so a few lines are enough."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_back_to_their_programs() {
        for program in Program::ALL {
            assert_eq!(Program::named(program.slug()), Some(program));
            assert_eq!(
                program.path().strip_prefix("/connect/"),
                Some(program.slug())
            );
        }
        for unknown in ["", "Power-BI", "citrix.pbids", "excel/"] {
            assert_eq!(Program::named(unknown), None, "{unknown}");
        }
    }
}
