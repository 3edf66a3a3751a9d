//! The part of PromQL that the simulation understands. Whatever is outside of it is refused, never guessed.

use thiserror::Error;

/// The longest query, in bytes.
const QUERY_BYTES_MAX: usize = 4_096;
/// Parentheses and functions may be nested this deep.
const DEPTH_MAX: usize = 16;

/// Why a query is refused.
#[derive(Debug, Error, PartialEq)]
pub(crate) enum ParseError {
    #[error("parse error: no expression found in input")]
    Empty,
    #[error("parse error: the query is longer than {QUERY_BYTES_MAX} bytes")]
    TooLong,
    #[error("parse error: nested too deeply")]
    TooDeep,
    #[error("parse error: unexpected `{0}`")]
    Unexpected(String),
    #[error("parse error: unterminated string")]
    Unterminated,
    #[error("`{0}` is outside of what this server understands")]
    Unsupported(String),
    #[error("comparisons with the scalar on the left, or between scalars, are outside of what this server understands")]
    Comparison,
    #[error("expected type instant vector in `{0}`, got scalar")]
    ScalarArgument(&'static str),
}

/// A selector: a name and the labels that must be, or must not be, equal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selector {
    pub name: String,
    pub matchers: Vec<Matcher>,
}

/// One condition of a selector.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Matcher {
    pub label: String,
    pub equal: bool,
    pub value: String,
}

/// How the series of a vector become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    Min,
    Max,
    Sum,
    Count,
    Average,
}

/// A filter by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
}

/// The two kinds of arithmetic that objectives need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Minus,
    Over,
}

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Number(f64),
    Time,
    /// `avg_over_time(inner[window:step])`, in seconds.
    Average {
        inner: Box<Expression>,
        window: i64,
        step: i64,
    },
    Arithmetic {
        left: Box<Expression>,
        sign: Arithmetic,
        right: Box<Expression>,
    },
    Vector(f64),
    Selector(Selector),
    Timestamp(Selector),
    Fold {
        fold: Fold,
        by: Vec<String>,
        inner: Box<Expression>,
    },
    /// A filter, or with `bool` 1 and 0.
    Compare {
        inner: Box<Expression>,
        comparison: Comparison,
        bound: f64,
        says: bool,
    },
    Or(Box<Expression>, Box<Expression>),
}

impl Expression {
    fn is_scalar(&self) -> bool {
        match self {
            Self::Number(_) | Self::Time => true,
            Self::Arithmetic { left, right, .. } => left.is_scalar() && right.is_scalar(),
            Self::Average { .. }
            | Self::Vector(_)
            | Self::Selector(_)
            | Self::Timestamp(_)
            | Self::Fold { .. }
            | Self::Compare { .. }
            | Self::Or(..) => false,
        }
    }
}

/// Reads a whole query.
pub(crate) fn parse(query: &str) -> Result<Expression, ParseError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(ParseError::TooLong);
    }
    let mut parser = Parser { tokens: tokens(query)?.into_iter().peekable(), depth: 0 };
    if parser.tokens.peek().is_none() {
        return Err(ParseError::Empty);
    }
    let expression = parser.expression()?;
    match parser.tokens.next() {
        None => Ok(expression),
        Some(Token::Word(word)) => Err(ParseError::Unsupported(word)),
        Some(Token::Sign(sign)) if "+-*/%^[@".contains(&sign) => Err(ParseError::Unsupported(sign)),
        Some(token) => Err(ParseError::Unexpected(token.shown())),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Number(f64),
    /// A length of time, in seconds.
    Length(i64),
    Text(String),
    Sign(String),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Text(text) | Self::Sign(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Length(seconds) => format!("{seconds}s"),
        }
    }
}

fn tokens(query: &str) -> Result<Vec<Token>, ParseError> {
    let mut out = Vec::new();
    let mut rest = query.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            _ if next.is_ascii_whitespace() => {}
            '"' | '\'' => out.push(Token::Text(text(&mut rest, next)?)),
            // Within brackets it parts the window from the step; no name goes on with a digit after it.
            ':' if rest.peek().is_some_and(char::is_ascii_digit) => out.push(Token::Sign(":".to_owned())),
            'a'..='z' | 'A'..='Z' | '_' | ':' => {
                let mut word = String::from(next);
                while let Some(more) = rest.next_if(|more| more.is_ascii_alphanumeric() || "_:".contains(*more)) {
                    word.push(more);
                }
                out.push(Token::Word(word));
            }
            '0'..='9' | '.' => {
                let mut number = String::from(next);
                while let Some(more) = rest.next_if(|more| more.is_ascii_alphanumeric() || *more == '.') {
                    number.push(more);
                }
                out.push(match (number.parse(), length(&number)) {
                    (Ok(number), _) => Token::Number(number),
                    (Err(_), Some(seconds)) => Token::Length(seconds),
                    (Err(_), None) => return Err(ParseError::Unexpected(number)),
                });
            }
            '=' | '!' | '<' | '>' => {
                let mut sign = String::from(next);
                if let Some(more) = rest.next_if(|more| "=~".contains(*more)) {
                    sign.push(more);
                }
                out.push(Token::Sign(sign));
            }
            _ => out.push(Token::Sign(next.to_string())),
        }
    }
    Ok(out)
}

/// A length of time such as `15s`, `5m`, `6h` or `30d`, in seconds.
fn length(text: &str) -> Option<i64> {
    let (digits, unit) = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]
        .into_iter()
        .find_map(|(letter, unit)| text.strip_suffix(letter).map(|digits| (digits, unit)))?;
    digits.parse::<u32>().ok().filter(|count| *count > 0).map(|count| i64::from(count) * unit)
}

/// The rest of a string that began with `quote`, with the escapes a label value needs.
fn text(rest: &mut impl Iterator<Item = char>, quote: char) -> Result<String, ParseError> {
    let mut text = String::new();
    loop {
        match rest.next().ok_or(ParseError::Unterminated)? {
            end if end == quote => return Ok(text),
            '\\' => match rest.next().ok_or(ParseError::Unterminated)? {
                'n' => text.push('\n'),
                same @ ('\\' | '"' | '\'') => text.push(same),
                other => return Err(ParseError::Unexpected(format!("\\{other}"))),
            },
            other => text.push(other),
        }
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

impl Parser {
    fn expression(&mut self) -> Result<Expression, ParseError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(ParseError::TooDeep);
        }
        let mut left = self.comparison()?;
        while self.tokens.next_if(|token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case("or"))).is_some() {
            let right = self.comparison()?;
            if left.is_scalar() || right.is_scalar() {
                return Err(ParseError::ScalarArgument("or"));
            }
            left = Expression::Or(Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expression, ParseError> {
        let mut inner = self.difference()?;
        while let Some(comparison) = self.tokens.peek().and_then(comparison_of) {
            self.tokens.next();
            let says = self.tokens.next_if(|token| matches!(token, Token::Word(word) if word == "bool")).is_some();
            let bound = self.number()?;
            if inner.is_scalar() {
                return Err(ParseError::Comparison);
            }
            inner = Expression::Compare { inner: Box::new(inner), comparison, bound, says };
        }
        Ok(inner)
    }

    fn difference(&mut self) -> Result<Expression, ParseError> {
        let mut left = self.quotient()?;
        while self.tokens.next_if_eq(&Token::Sign("-".to_owned())).is_some() {
            let right = self.quotient()?;
            left = Expression::Arithmetic { left: Box::new(left), sign: Arithmetic::Minus, right: Box::new(right) };
        }
        Ok(left)
    }

    fn quotient(&mut self) -> Result<Expression, ParseError> {
        let mut left = self.atom()?;
        while self.tokens.next_if_eq(&Token::Sign("/".to_owned())).is_some() {
            let right = self.atom()?;
            left = Expression::Arithmetic { left: Box::new(left), sign: Arithmetic::Over, right: Box::new(right) };
        }
        Ok(left)
    }

    /// `(inner[window:step])`; a range without a step would be one of raw samples, which nobody keeps here.
    fn average(&mut self) -> Result<Expression, ParseError> {
        self.expect("(")?;
        let inner = self.atom()?;
        if inner.is_scalar() {
            return Err(ParseError::ScalarArgument("avg_over_time"));
        }
        self.expect("[")?;
        let window = self.seconds()?;
        if self.tokens.next_if_eq(&Token::Sign(":".to_owned())).is_none() {
            return Err(ParseError::Unsupported("[".to_owned()));
        }
        let step = self.seconds()?;
        self.expect("]")?;
        self.expect(")")?;
        Ok(Expression::Average { inner: Box::new(inner), window, step })
    }

    fn seconds(&mut self) -> Result<i64, ParseError> {
        let token = self.next()?;
        if let Token::Length(seconds) = token { Ok(seconds) } else { Err(ParseError::Unexpected(token.shown())) }
    }

    fn atom(&mut self) -> Result<Expression, ParseError> {
        match self.next()? {
            Token::Sign(sign) if sign == "(" => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Number(number) => Ok(Expression::Number(number)),
            Token::Sign(sign) if sign == "-" => match self.next()? {
                Token::Number(number) => Ok(Expression::Number(-number)),
                Token::Word(_) | Token::Text(_) | Token::Sign(_) | Token::Length(_) => Err(ParseError::Unsupported(sign)),
            },
            Token::Word(word) => self.word(word),
            token @ (Token::Text(_) | Token::Sign(_) | Token::Length(_)) => Err(ParseError::Unexpected(token.shown())),
        }
    }

    fn word(&mut self, word: String) -> Result<Expression, ParseError> {
        let called = matches!(self.tokens.peek(), Some(Token::Sign(sign)) if sign == "(");
        let grouped = matches!(self.tokens.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case("by"));
        if let Some(fold) = fold_of(&word).filter(|_| called || grouped) {
            return self.fold(fold);
        }
        match word.as_str() {
            "vector" if called => {
                self.expect("(")?;
                let number = self.number()?;
                self.expect(")")?;
                Ok(Expression::Vector(number))
            }
            "time" if called => {
                self.expect("(")?;
                self.expect(")")?;
                Ok(Expression::Time)
            }
            "avg_over_time" if called => self.average(),
            "timestamp" if called => {
                self.expect("(")?;
                let Token::Word(name) = self.next()? else { return Err(ParseError::Unsupported("timestamp".to_owned())) };
                let selector = self.selector(name)?;
                self.expect(")")?;
                Ok(Expression::Timestamp(selector))
            }
            _ if called => Err(ParseError::Unsupported(word)),
            "or" | "and" | "unless" | "by" | "without" | "on" | "ignoring" | "bool" | "offset" => Err(ParseError::Unexpected(word)),
            _ => self.selector(word).map(Expression::Selector),
        }
    }

    fn fold(&mut self, fold: Fold) -> Result<Expression, ParseError> {
        let mut by = self.grouping()?;
        self.expect("(")?;
        let inner = self.expression()?;
        self.expect(")")?;
        if inner.is_scalar() {
            return Err(ParseError::ScalarArgument("aggregation"));
        }
        if by.is_none() {
            by = self.grouping()?;
        }
        Ok(Expression::Fold { fold, by: by.unwrap_or_default(), inner: Box::new(inner) })
    }

    fn grouping(&mut self) -> Result<Option<Vec<String>>, ParseError> {
        if self.tokens.next_if(|token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case("by"))).is_none() {
            return Ok(None);
        }
        self.expect("(")?;
        let mut labels = Vec::new();
        loop {
            labels.push(self.label()?);
            if self.list_ends(")")? {
                return Ok(Some(labels));
            }
        }
    }

    fn selector(&mut self, name: String) -> Result<Selector, ParseError> {
        let closed = Token::Sign("}".to_owned());
        let mut matchers = Vec::new();
        if self.tokens.next_if_eq(&Token::Sign("{".to_owned())).is_none() {
            return Ok(Selector { name, matchers });
        }
        while self.tokens.next_if_eq(&closed).is_none() {
            let label = self.label()?;
            let sign = self.next()?.shown();
            let equal = match sign.as_str() {
                "=" => true,
                "!=" => false,
                "=~" | "!~" => return Err(ParseError::Unsupported(sign)),
                _ => return Err(ParseError::Unexpected(sign)),
            };
            let Token::Text(value) = self.next()? else { return Err(ParseError::Unexpected(label)) };
            matchers.push(Matcher { label, equal, value });
            if self.list_ends("}")? {
                break;
            }
        }
        Ok(Selector { name, matchers })
    }

    fn label(&mut self) -> Result<String, ParseError> {
        let token = self.next()?;
        let shown = token.shown();
        if matches!(token, Token::Word(_)) { Ok(shown) } else { Err(ParseError::Unexpected(shown)) }
    }

    /// After a member of a list: the end, or a comma and perhaps more.
    fn list_ends(&mut self, end: &str) -> Result<bool, ParseError> {
        let token = self.next()?;
        if token == Token::Sign(end.to_owned()) {
            Ok(true)
        } else if token == Token::Sign(",".to_owned()) {
            Ok(false)
        } else {
            Err(ParseError::Unexpected(token.shown()))
        }
    }

    fn number(&mut self) -> Result<f64, ParseError> {
        let minus = self.tokens.next_if_eq(&Token::Sign("-".to_owned())).is_some();
        let token = self.next()?;
        let Token::Number(number) = token else { return Err(ParseError::Unsupported(token.shown())) };
        Ok(if minus { -number } else { number })
    }

    fn next(&mut self) -> Result<Token, ParseError> {
        self.tokens.next().ok_or_else(|| ParseError::Unexpected("end of input".to_owned()))
    }

    fn expect(&mut self, wanted: &str) -> Result<(), ParseError> {
        let token = self.next()?;
        if token == Token::Sign(wanted.to_owned()) {
            return Ok(());
        }
        let shown = token.shown();
        Err(if shown == "[" { ParseError::Unsupported(shown) } else { ParseError::Unexpected(shown) })
    }
}

fn fold_of(word: &str) -> Option<Fold> {
    Some(match word {
        "min" => Fold::Min,
        "max" => Fold::Max,
        "sum" => Fold::Sum,
        "count" => Fold::Count,
        "avg" => Fold::Average,
        _ => return None,
    })
}

fn comparison_of(token: &Token) -> Option<Comparison> {
    let Token::Sign(sign) = token else { return None };
    Some(match sign.as_str() {
        "==" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        ">" => Comparison::Greater,
        "<" => Comparison::Less,
        ">=" => Comparison::GreaterOrEqual,
        "<=" => Comparison::LessOrEqual,
        _ => return None,
    })
}
