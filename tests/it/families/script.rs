//! A script: plain SQL, a statement up to the line that ends with a semicolon, the data of
//! `COPY .. FROM STDIN` behind it up to `\.`. Statements between `-- setup` and `-- try` are not counted.

use super::folder;

const MARK: &str = "-- differs: ";
/// What stands between two answers in the `.out` file.
const END: &str = ";";

/// A statement of a script.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) sql: String,
    /// The lines that a COPY from the client is given.
    pub(super) data: Vec<String>,
    /// The key of the reason why it answers otherwise than PostgreSQL.
    pub(super) differs: Option<String>,
    /// Whether it is one of those tried, or makes what they need.
    pub(super) counts: bool,
    /// Where it begins in the file.
    pub(super) line: usize,
}

/// A family's script.
#[derive(Debug)]
pub(super) struct Script {
    family: String,
    text: String,
    pub(super) statements: Vec<Statement>,
}

impl Script {
    pub(super) fn read(family: &str) -> Self {
        let path = folder().join(format!("{family}.sql"));
        let text = std::fs::read_to_string(path).expect("a script");
        let statements = statements(&text);
        Self { family: family.to_owned(), text, statements }
    }

    /// How many statements are tried.
    pub(super) fn tried(&self) -> usize {
        self.statements.iter().filter(|statement| statement.counts).count()
    }

    /// The keys of the reasons, one for each statement that differs.
    pub(super) fn marks(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().filter_map(|statement| statement.differs.as_deref())
    }

    /// PostgreSQL's answers.
    pub(super) fn expected(&self) -> Vec<Vec<String>> {
        let path = folder().join(format!("{}.out", self.family));
        let text = std::fs::read_to_string(path).expect("the script's answers");
        let mut answers = vec![Vec::new()];
        for line in text.lines() {
            match line {
                END => answers.push(Vec::new()),
                line => answers.last_mut().expect("one").push(line.to_owned()),
            }
        }
        answers.pop();
        answers
    }

    pub(super) fn write_expected(&self, answers: &[Vec<String>]) {
        let path = folder().join(format!("{}.out", self.family));
        let lines =
            answers.iter().flat_map(|answer| answer.iter().map(String::as_str).chain([END]));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        std::fs::write(path, text).expect("the answers can be written");
    }

    /// Gives each statement the mark at its place, or none, in the file.
    pub(super) fn mark(&mut self, marks: &[Option<String>]) {
        let mut text = String::new();
        let mut marked = self.statements.iter().zip(marks).peekable();
        for (number, line) in self.text.lines().enumerate() {
            if let Some((_, mark)) = marked.next_if(|(it, _)| it.line == number + 1)
                && let Some(mark) = mark
            {
                text.push_str(&format!("{MARK}{mark}\n"));
            }
            if !line.starts_with(MARK) {
                text.push_str(line);
                text.push('\n');
            }
        }
        let path = folder().join(format!("{}.sql", self.family));
        std::fs::write(path, text).expect("the script can be written");
    }
}

fn statements(text: &str) -> Vec<Statement> {
    let mut all = Vec::new();
    let mut lines = text.lines().enumerate();
    let (mut differs, mut counts) = (None, true);
    while let Some((number, line)) = lines.next() {
        match line {
            "-- setup" => counts = false,
            "-- try" => counts = true,
            _ if line.starts_with(MARK) => differs = Some(line[MARK.len()..].to_owned()),
            _ if line.starts_with("--") || line.is_empty() => {}
            _ => {
                let mut sql = line.to_owned();
                while !sql.ends_with(';') {
                    let (_, line) = lines.next().expect("a semicolon behind the last statement");
                    sql = sql + "\n" + line;
                }
                let takes = sql.starts_with("COPY") && sql.contains("FROM STDIN");
                let rest = lines.by_ref().map(|(_, line)| line.to_owned());
                let data: Vec<String> = match takes {
                    true => rest.take_while(|line| line != "\\.").collect(),
                    false => Vec::new(),
                };
                all.push(Statement {
                    sql,
                    data,
                    differs: differs.take(),
                    counts,
                    line: number + 1,
                });
            }
        }
    }
    all
}
