//! What could be better in a scenario that is right?

use super::super::diagnostic::{Diagnostics, Fault};
use super::super::document::{CaseDocument, PARTS, StepDocument};
use super::super::read::At;
use super::super::sections::split;
use super::super::tree::{Span, parse_one};

/// What could be better in a scenario that is right: a `pause` waits for nothing that anybody could see.
///
/// One warning a file, at its first pause: who wrote ten of them knows why.
pub fn warnings(file: &str, text: &str) -> Diagnostics {
    fn look(steps: &[At<StepDocument>], pauses: &mut Vec<Span>) {
        for At { span, value } in steps {
            if matches!(value, StepDocument::Pause(_)) {
                pauses.push(*span);
            } else if let StepDocument::Hold(hold) = value {
                look(hold.steps.as_deref().unwrap_or_default(), pauses);
            }
        }
    }
    let mut pauses = Vec::new();
    // Mistakes are told by those who plan it.
    let mut mistakes = Vec::new();
    if let Ok(tree) = parse_one(text) {
        let parts = split(&tree, PARTS, &mut mistakes);
        look(&parts.read_each::<StepDocument>("steps", &mut mistakes), &mut pauses);
        for case in parts.read_each::<CaseDocument>("cases", &mut mistakes) {
            look(&case.value.then, &mut pauses);
        }
    }
    let told = match pauses.len() {
        ..=1 => "`pause` waits without looking".to_owned(),
        count => format!("`pause` waits without looking, {count} times in this file"),
    };
    let warning = |span: &Span| {
        Fault::new(told, *span)
            .with_label("slow where it is too long, and wrong where it is too short")
            .with_hint(
                "`expect` with `within` waits until something is true, `hold` says what stays true meanwhile",
            )
    };
    let faults = pauses.first().map(warning).into_iter().collect();
    Diagnostics::new(file, text, faults)
}
