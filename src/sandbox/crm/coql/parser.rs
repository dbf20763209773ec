//! From words to a query. More than two conditions must be a binary tree in parentheses, as the documentation asks.

use serde_json::json;

use super::super::answer::Problem;
use super::super::judge::Order;
use super::super::module::Way;
use super::lexer::{Kind, Token, words};
use super::{
    COLUMNS_MAX, CONDITIONS_MAX, Filter, LIMIT_DEFAULT, LIMIT_MAX, Literal, OFFSET_MAX, ORDER_MAX,
    Operator, Query, VALUES_MAX, exceeded, syntax,
};

/// Reads a query.
///
/// # Errors
/// `SYNTAX_ERROR`, `LIMIT_EXCEEDED`, and `NOT_SUPPORTED` for aggregates, groups, aliases and subqueries.
pub(super) fn parse(text: &str) -> Result<Query, Problem> {
    let words = words(text)?;
    // The real service misses `where` before it looks at anything else.
    if !words.iter().any(|word| word.is("where")) {
        return Err(syntax(json!({"clause": "where"})));
    }
    let mut parser = Parser {
        words: &words,
        at: 0,
        conditions: 0,
        depth: 0,
    };
    parser.query()
}

struct Parser<'a> {
    words: &'a [Token],
    at: usize,
    conditions: usize,
    depth: usize,
}

/// Parentheses within parentheses; twenty-five conditions never need more.
const DEPTH_MAX: usize = 100;

impl<'a> Parser<'a> {
    fn query(&mut self) -> Result<Query, Problem> {
        self.expect("select")?;
        let columns = self.columns()?;
        self.expect("from")?;
        let module = self.name()?;
        let view = if self.accept("#") {
            Some(self.next().text.clone())
        } else {
            None
        };
        self.expect("where")?;
        let filter = self.pair()?;
        if self.peek().is("group") {
            return Err(unsupported("group by"));
        }
        let order = self.order()?;
        let (limit, offset) = self.window()?;
        if self.peek().kind != Kind::End {
            return Err(self.peek().unexpected());
        }
        Ok(Query {
            columns,
            module,
            view,
            filter,
            order,
            limit,
            offset,
        })
    }

    fn columns(&mut self) -> Result<Vec<String>, Problem> {
        let mut columns = Vec::new();
        loop {
            let column = match self.peek().kind {
                Kind::Quoted => self.next().text.clone(),
                _ => self.name()?,
            };
            if self.peek().is("(") {
                return Err(unsupported("aggregate function"));
            }
            if self.peek().is("as") {
                return Err(unsupported("alias"));
            }
            columns.push(column);
            if !self.accept(",") {
                break;
            }
        }
        if columns.len() > COLUMNS_MAX {
            return Err(exceeded(
                "number of columns exceeded the limit",
                "select",
                COLUMNS_MAX,
            ));
        }
        Ok(columns)
    }

    /// One condition, or two of them joined.
    fn pair(&mut self) -> Result<Filter, Problem> {
        let first = self.term()?;
        let filter = if self.accept("and") {
            Filter::And(Box::new(first), Box::new(self.term()?))
        } else if self.accept("or") {
            Filter::Or(Box::new(first), Box::new(self.term()?))
        } else {
            return Ok(first);
        };
        // A third one needs parentheses around the first two.
        if self.peek().is("and") || self.peek().is("or") {
            return Err(self.peek().unexpected());
        }
        Ok(filter)
    }

    fn term(&mut self) -> Result<Filter, Problem> {
        let open = self.peek();
        if self.accept("(") {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err(open.unexpected());
            }
            let filter = self.pair()?;
            self.expect(")")?;
            self.depth -= 1;
            return Ok(filter);
        }
        self.conditions += 1;
        if self.conditions > CONDITIONS_MAX {
            return Err(exceeded("criteria limit exceeded", "where", CONDITIONS_MAX));
        }
        let column = match self.peek().kind {
            Kind::Quoted => self.next().text.clone(),
            _ => self.name()?,
        };
        let (operator, values) = self.condition()?;
        Ok(Filter::Leaf(column, operator, values))
    }

    fn condition(&mut self) -> Result<(Operator, Vec<Literal>), Problem> {
        for (symbol, order) in [
            ("=", Order::Equal),
            ("!=", Order::NotEqual),
            ("<", Order::Less),
            ("<=", Order::LessEqual),
            (">", Order::Greater),
            (">=", Order::GreaterEqual),
        ] {
            if self.accept(symbol) {
                return Ok((Operator::Order(order), vec![self.literal()?]));
            }
        }
        if self.accept("is") {
            let null = !self.accept("not");
            self.expect("null")?;
            return Ok((Operator::Null(null), Vec::new()));
        }
        let plain = !self.accept("not");
        if self.accept("like") {
            return Ok((Operator::Like(plain), vec![self.literal()?]));
        }
        if self.accept("between") {
            let low = self.literal()?;
            self.expect("and")?;
            return Ok((Operator::Between(plain), vec![low, self.literal()?]));
        }
        if self.accept("in") {
            return Ok((Operator::In(plain), self.list()?));
        }
        let operator = self.peek();
        Err(syntax(json!({
            "operator": operator.text, "line": operator.line, "column": operator.column, "near": operator.text,
        })))
    }

    fn list(&mut self) -> Result<Vec<Literal>, Problem> {
        self.expect("(")?;
        if self.peek().is("select") {
            return Err(unsupported("subquery"));
        }
        let mut values = vec![self.literal()?];
        while self.accept(",") {
            values.push(self.literal()?);
        }
        self.expect(")")?;
        if values.len() > VALUES_MAX {
            return Err(exceeded(
                "number of values exceeded the limit",
                "in",
                VALUES_MAX,
            ));
        }
        Ok(values)
    }

    fn literal(&mut self) -> Result<Literal, Problem> {
        let word = self.peek();
        let bare = word.kind == Kind::Number || word.is("true") || word.is("false");
        if !bare && word.kind != Kind::Quoted {
            return Err(word.unexpected());
        }
        self.next();
        Ok(Literal {
            text: word.text.clone(),
            quoted: !bare,
        })
    }

    fn order(&mut self) -> Result<Vec<(String, Way)>, Problem> {
        let mut order = Vec::new();
        if !self.accept("order") {
            return Ok(order);
        }
        self.expect("by")?;
        loop {
            let column = self.name()?;
            let way = if self.accept("desc") {
                Way::Down
            } else {
                self.accept("asc");
                Way::Up
            };
            order.push((column, way));
            if !self.accept(",") {
                break;
            }
        }
        if order.len() > ORDER_MAX {
            return Err(exceeded(
                "number of columns exceeded the limit",
                "order by",
                ORDER_MAX,
            ));
        }
        Ok(order)
    }

    /// `limit n`, `limit n offset m` or `limit m, n`, as (rows, rows left out before them).
    fn window(&mut self) -> Result<(usize, usize), Problem> {
        let (mut limit, mut offset) = (LIMIT_DEFAULT, 0);
        if self.accept("limit") {
            limit = self.whole()?;
            if self.accept(",") {
                offset = limit;
                limit = self.whole()?;
            }
        }
        if self.accept("offset") {
            offset = self.whole()?;
        }
        if limit == 0 {
            return Err(syntax(json!({"clause": "limit"})));
        }
        if limit > LIMIT_MAX {
            return Err(exceeded(
                "limit value exceeded the maximum",
                "limit",
                LIMIT_MAX,
            ));
        }
        if offset > OFFSET_MAX {
            return Err(exceeded(
                "offset value exceeded the maximum",
                "offset",
                OFFSET_MAX,
            ));
        }
        Ok((limit, offset))
    }

    fn whole(&mut self) -> Result<usize, Problem> {
        let word = self.next();
        word.text.parse().map_err(|_| word.unexpected())
    }

    fn name(&mut self) -> Result<String, Problem> {
        let word = self.next();
        let reserved = [
            "select", "from", "where", "and", "or", "order", "limit", "not", "in", "is",
        ];
        if word.kind != Kind::Name || reserved.iter().any(|keyword| word.is(keyword)) {
            return Err(word.unexpected());
        }
        Ok(word.text.clone())
    }

    fn expect(&mut self, keyword: &str) -> Result<(), Problem> {
        if self.accept(keyword) {
            Ok(())
        } else {
            Err(self.peek().unexpected())
        }
    }

    fn accept(&mut self, keyword: &str) -> bool {
        let found = self.peek().is(keyword);
        if found {
            self.at += 1;
        }
        found
    }

    fn next(&mut self) -> &'a Token {
        let word = self.peek();
        if word.kind != Kind::End {
            self.at += 1;
        }
        word
    }

    fn peek(&self) -> &'a Token {
        &self.words[self.at]
    }
}

fn unsupported(feature: &str) -> Problem {
    Problem::not_supported(json!({"reason": format!("the sandbox does not know this: {feature}")}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> &'static str {
        parse(text).map_or_else(|problem| problem.code, |_| "")
    }

    #[test]
    fn conditions_are_joined_in_pairs() {
        for (filter, want) in [
            ("a = '1'", ""),
            ("(a = '1')", ""),
            ("a = '1' and b = '2'", ""),
            ("(a = '1' and b = '2')", ""),
            ("((a = '1' and b = '2') and c = '3')", ""),
            ("(a = '1' and b = '2') or (c = '3' and d = '4')", ""),
            ("a = '1' and b = '2' and c = '3'", "SYNTAX_ERROR"),
            ("(a = '1' and b = '2' or c = '3')", "SYNTAX_ERROR"),
            ("(a = '1' and b = '2'", "SYNTAX_ERROR"),
            ("a = 1 and", "SYNTAX_ERROR"),
            ("", "SYNTAX_ERROR"),
        ] {
            assert_eq!(
                code(&format!("select id from Leads where {filter}")),
                want,
                "{filter}"
            );
        }
    }

    #[test]
    fn every_operator_is_known_and_only_those() {
        for (condition, want) in [
            ("a = 'x'", ""),
            ("a != 'x'", ""),
            ("a <> 'x'", ""),
            ("a >= 5", ""),
            ("a like '%x%'", ""),
            ("a not like '%x%'", ""),
            ("a in ('x', \"y\", 3)", ""),
            ("a not in ('x')", ""),
            ("a between '1' and '2'", ""),
            ("a not between 1 and 2", ""),
            ("a is null", ""),
            ("a is not null", ""),
            ("a = true", ""),
            ("a is empty", "SYNTAX_ERROR"),
            ("a contains 'x'", "SYNTAX_ERROR"),
            ("a = x", "SYNTAX_ERROR"),
            ("a in ()", "SYNTAX_ERROR"),
            (
                "a in (select id from Deals where id is not null)",
                "NOT_SUPPORTED",
            ),
        ] {
            assert_eq!(
                code(&format!("SELECT id FROM Leads WHERE {condition}")),
                want,
                "{condition}"
            );
        }
    }

    #[test]
    fn the_window_is_written_three_ways() {
        for (window, want) in [
            ("", (200, 0)),
            ("limit 5", (5, 0)),
            ("limit 5 offset 10", (5, 10)),
            ("limit 10, 5", (5, 10)),
            (
                "order by a desc, b limit 2000 offset 100000",
                (2000, 100_000),
            ),
        ] {
            let query = parse(&format!("select id from Leads where a = 1 {window}")).unwrap();
            assert_eq!((query.limit, query.offset), want, "{window}");
        }
    }

    #[test]
    fn limits_are_kept() {
        let many = |one: &str, count: usize, joint: &str| vec![one; count].join(joint);
        let tree = |count: usize| {
            (1..count).fold("a = 1".to_owned(), |tree, _| format!("({tree} and a = 1)"))
        };
        for (query, want) in [
            (
                "select id from Leads where a = 1 limit 2001".to_owned(),
                "LIMIT_EXCEEDED",
            ),
            (
                "select id from Leads where a = 1 limit 1 offset 100001".to_owned(),
                "LIMIT_EXCEEDED",
            ),
            (
                "select id from Leads where a = 1 limit 0".to_owned(),
                "SYNTAX_ERROR",
            ),
            (
                format!("select {} from Leads where a = 1", many("a", 51, ",")),
                "LIMIT_EXCEEDED",
            ),
            (
                format!("select {} from Leads where a = 1", many("a", 50, ",")),
                "",
            ),
            (
                format!("select id from Leads where a in ({})", many("1", 101, ",")),
                "LIMIT_EXCEEDED",
            ),
            (
                format!("select id from Leads where a in ({})", many("1", 100, ",")),
                "",
            ),
            (
                format!("select id from Leads where {}", tree(26)),
                "LIMIT_EXCEEDED",
            ),
            (format!("select id from Leads where {}", tree(25)), ""),
            ("select id from Leads".to_owned(), "SYNTAX_ERROR"),
            (
                "select count(id) from Leads where a = 1".to_owned(),
                "NOT_SUPPORTED",
            ),
            (
                "select id from Leads where a = 1 group by a".to_owned(),
                "NOT_SUPPORTED",
            ),
            (
                "select id from Leads where a = 1 limit 5 more".to_owned(),
                "SYNTAX_ERROR",
            ),
        ] {
            assert_eq!(code(&query), want, "{query}");
        }
    }

    #[test]
    fn an_error_says_where_it_is() {
        let problem = parse("select id from Leads where a = 1 and b = 2 and c = 3").unwrap_err();
        assert_eq!(
            problem.details,
            json!({"line": 1, "column": 44, "near": "and"})
        );
        let problem = parse("select id from Leads").unwrap_err();
        assert_eq!(problem.details, json!({"clause": "where"}));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(select |from |where |id |and |\\(|\\)|'|=|,|[a-z0-9#]| ){0,30}") {
            let _ = parse(&text);
        }
    }
}
