//! What does a `DependencyExpression` say?
//!
//! Names of resources in square brackets, joined by `and` and `or`, with parentheses (Get-ClusterResourceDependency,
//! documented). That `and` binds closer than `or` is assumed.

use std::iter::Peekable;

/// The names in it, whatever joins them.
pub(crate) fn named(expression: &str) -> Vec<String> {
    let parts = expression.split('[').skip(1);
    parts.filter_map(|part| part.split_once(']')).map(|(name, _)| name.to_owned()).collect()
}

/// The names of those that must be online in any case: an alternative is not waited for.
pub(crate) fn waited_for(expression: &str) -> Vec<String> {
    let tokens = tokens(expression);
    any(&mut tokens.into_iter().peekable(), DEEPEST)
}

/// How often it says `or`.
pub(crate) fn ors(expression: &str) -> usize {
    tokens(expression).into_iter().filter(|token| *token == Token::Or).count()
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Open,
    Close,
    Or,
}

/// The parts of an expression; `and` joins what stands side by side, and needs no token.
fn tokens(expression: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = expression;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            '[' => {
                let (name, behind) = rest.split_once(']').unwrap_or((rest, ""));
                tokens.push(Token::Name(name.to_owned()));
                rest = behind;
            }
            'o' | 'O' if rest.starts_with(['r', 'R']) => tokens.push(Token::Or),
            _ => {}
        }
    }
    tokens
}

/// What all alternatives need, up to the parenthesis that closes them.
fn any(tokens: &mut Peekable<std::vec::IntoIter<Token>>, deeper: u8) -> Vec<String> {
    let mut needed = all(tokens, deeper);
    while tokens.next_if_eq(&Token::Or).is_some() {
        let other = all(tokens, deeper);
        needed.retain(|name| other.contains(name));
    }
    needed
}

/// What an alternative needs.
fn all(tokens: &mut Peekable<std::vec::IntoIter<Token>>, deeper: u8) -> Vec<String> {
    let mut needed = Vec::new();
    loop {
        match tokens.peek() {
            None | Some(Token::Close | Token::Or) => return needed,
            Some(Token::Name(_) | Token::Open) => {}
        }
        match tokens.next() {
            Some(Token::Name(name)) => needed.push(name),
            Some(Token::Open) if deeper > 0 => {
                needed.extend(any(tokens, deeper - 1));
                tokens.next();
            }
            // Nobody wrote that: nothing behind it is sure.
            Some(Token::Open) => tokens.by_ref().for_each(drop),
            Some(Token::Close | Token::Or) | None => {}
        }
    }
}

/// How deep parentheses stand in parentheses at most; a cluster writes two.
const DEEPEST: u8 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_alternative_is_not_waited_for() {
        for (expression, expected) in [
            ("", &[][..]),
            ("[a]", &["a"]),
            ("([a]) and ([b])", &["a", "b"]),
            ("[a] or [b]", &[]),
            ("([a] or [b]) and [c]", &["c"]),
            ("[a] and [b] or [a] and [c]", &["a"]),
            ("(([a]) and ([b or not])) OR ([a])", &["a"]),
            ("[a", &["a"]),
            (")[a]", &[]),
        ] {
            assert_eq!(waited_for(expression), expected, "{expression}");
        }
        assert!(waited_for(&format!("{}[a]", "(".repeat(1_000_000))).is_empty());
        assert_eq!(named("([a] or [b]) and [c]"), ["a", "b", "c"]);
        assert_eq!((ors("[a] Or [b]"), ors("[a or b] and [c]")), (1, 0));
    }
}
