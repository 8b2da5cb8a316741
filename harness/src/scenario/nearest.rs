//! Which known name was meant by an unknown one?

use strsim::damerau_levenshtein;

use super::tree::quoted;

/// The known name that is most like `word`, if one is like enough.
///
/// Capitals, and `-` instead of `_`, make no difference. Otherwise a third of the letters may be added, left out,
/// changed or swapped, and in a short word one. Of two names that are equally like it, the first is given.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = folded(word);
    let length = word.chars().count();
    let distances = known.into_iter().map(|name| {
        let name_folded = folded(name);
        let allowed = (length.max(name_folded.chars().count()) / 3).max(1);
        (damerau_levenshtein(&word, &name_folded), allowed, name)
    });
    distances
        .filter(|&(distance, allowed, _)| distance <= allowed && distance < length.max(1))
        .min_by_key(|&(distance, ..)| distance)
        .map(|(.., name)| name)
}

/// Advice for somebody who wrote `word` where only these names are known; none if no name is known.
pub fn hint<'k>(word: &str, known: impl IntoIterator<Item = &'k str, IntoIter: Clone>) -> Option<String> {
    let known = known.into_iter();
    let listed = match known.clone().count() {
        ..=MANY => list(known.clone()),
        count => format!("{} and {} more", list(known.clone().take(MANY)), count - MANY),
    };
    if let Some((name, rest)) = word.split_once([':', ' '])
        && known.clone().any(|known| known == name)
    {
        let entry = quoted(&format!("{name}: {}", if rest.is_empty() { "…" } else { rest.trim() }));
        return Some(format!("a key ends with a colon and a space: {entry}"));
    }
    match (nearest(word, known.clone()), known.count()) {
        (_, 0) => None,
        (Some(name), 1) => Some(format!("did you mean `{name}`?")),
        (Some(name), 2..=FEW) => Some(format!("did you mean `{name}`? (known: {listed})")),
        (Some(name), _) => Some(format!("did you mean `{name}`?")),
        (None, _) => Some(format!("known: {listed}")),
    }
}

/// Names between backticks with commas between them.
pub fn list<'k>(names: impl IntoIterator<Item = &'k str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

fn folded(word: &str) -> String {
    word.chars().flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect()
}

/// Bytes of the longest word that is compared.
const LONGEST: usize = 64;
/// Names that are listed even where one is like the word.
const FEW: usize = 8;
/// Names that are listed at most: a topology may have thousands.
const MANY: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    const VERBS: [&str; 4] = ["move_role", "power_off", "power_on", "expect"];

    #[test]
    fn a_misspelt_name_is_found() {
        assert_eq!(nearest("mvoe_role", VERBS), Some("move_role"));
        assert_eq!(nearest("expct", VERBS), Some("expect"));
        assert_eq!(nearest("power_of", VERBS), Some("power_off"));
        assert_eq!(nearest("NODE22", ["NODE1", "NODE2"]), Some("NODE2"));
    }

    #[test]
    fn capitals_and_hyphens_make_no_difference() {
        assert_eq!(nearest("Move-Role", VERBS), Some("move_role"));
        assert_eq!(nearest("MOVE_ROLE", VERBS), Some("move_role"));
    }

    #[test]
    fn a_name_that_is_not_like_any_finds_none() {
        assert_eq!(nearest("pause", VERBS), None);
        assert_eq!(nearest("", VERBS), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest(&"x".repeat(100_000), VERBS), None);
    }

    #[test]
    fn a_hint_names_the_nearest_or_all() {
        assert_eq!(hint("owner", ["to"]).as_deref(), Some("known: `to`"));
        assert_eq!(hint("too", ["to"]).as_deref(), Some("did you mean `to`?"));
        assert_eq!(hint("ot", ["to", "by"]).as_deref(), Some("did you mean `to`? (known: `to`, `by`)"));
        for glued in ["to:NODE2", "to NODE2", "to: NODE2"] {
            assert_eq!(
                hint(glued, ["to"]).as_deref(),
                Some("a key ends with a colon and a space: `to: NODE2`"),
                "{glued}"
            );
        }
        assert_eq!(hint("to", []), None);
        let workers: Vec<String> = (1..=1_000).map(|number| format!("worker_{number:04}")).collect();
        let told = hint("x", workers.iter().map(String::as_str)).expect("a hint");
        assert!(told.ends_with("`worker_0040` and 960 more"), "{told}");
    }
}
