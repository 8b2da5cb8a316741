//! Which answer to which open question do two words of a file mean?

use failover_sim::assumption::Assumption;

use super::diagnostic::Fault;
use super::nearest;
use super::tree::Span;

/// The question of this name, and the number of the answer with this word; the places are those of the two.
///
/// # Errors
/// If there is no such question, or no such answer to it.
pub fn answer(id: &str, word: &str, places: (Span, Span)) -> Result<(Assumption, usize), Fault> {
    let Some(assumption) = Assumption::by_id(id) else {
        let known = Assumption::ALL.map(|assumption| assumption.question().id);
        let mut fault = Fault::new(format!("there is no assumption `{id}`"), places.0);
        fault.hint = nearest::hint(id, known);
        return Err(fault);
    };
    let value = assumption.value_by_word(word).ok_or_else(|| {
        let words = assumption.question().values.iter().map(|value| value.word);
        let message = format!("`{word}` is no answer to `{id}`");
        let label = format!("expected one of {}", nearest::list(words));
        Fault::new(message, places.1).with_label(label)
    })?;
    Ok((assumption, value))
}
