//! The page of each program: its frame, and who fills it.

mod excel;
mod gateway;
mod grafana;
mod power_bi;
mod powershell;
mod python;
mod tableau;

use maud::{Markup, html};

use super::picker::Picker;
use super::programs::Program;
use super::target::Target;
use crate::pages::address::Address;

/// What is in its `<main>`.
pub(super) fn content(
    program: Program,
    address: &Address,
    picker: &Picker,
    target: &Target,
) -> Markup {
    let link = |other: Program| address.link(&format!("{}?{}", other.path(), target.choice()));
    html! {
        section class="connect guide" {
            nav class="others" aria-label="Programs" {
                @for other in Program::ALL {
                    a href=(link(other)) aria-current=[(other == program).then_some("page")] { (other.name()) }
                }
            }
            h1 { (program.name()) }
            (picker.form(address, &program.path(), target))
            @match program {
                Program::PowerBi => (power_bi::steps(address, target)),
                Program::PowerBiGateway => (gateway::steps(target)),
                Program::Excel => (excel::steps(target)),
                Program::Tableau => (tableau::steps(target)),
                Program::Grafana => (grafana::steps(target)),
                Program::PowerShell => (powershell::steps(target)),
                Program::Python => (python::steps(target)),
            }
        }
    }
}
