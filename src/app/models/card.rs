//! A model's card as blocks of text. Cards are Markdown. This reads the parts of Markdown that cards
//! use, and shows all others unchanged.

/// A part of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading.
    Heading(String),
    /// A paragraph.
    Paragraph(String),
    /// The items of a list.
    List(Vec<String>),
    /// A table row by row; the first row is its head where it has one.
    Table {
        /// The columns' names, or nothing.
        head: Vec<String>,
        /// The other rows.
        rows: Vec<Vec<String>>,
    },
    /// Text with its own lines.
    Verbatim(String),
}

/// The blocks of a card. Its title and its pictures are left out: they are shown already.
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines().peekable();
    while let Some(line) = lines.next() {
        let text = line.trim();
        if text.is_empty() || text.starts_with("# ") || text.starts_with("![") {
            continue;
        }
        let mut following = |belongs: fn(&str) -> bool| {
            let mut all = vec![line];
            while let Some(line) = lines.next_if(|line| belongs(line)) {
                all.push(line);
            }
            all
        };
        blocks.push(if text.starts_with("```") {
            let mut inside = following(|line| !line.trim_start().starts_with("```"));
            inside.remove(0);
            lines.next();
            Block::Verbatim(inside.join("\n"))
        } else if let Some(heading) = heading(text) {
            Block::Heading(heading)
        } else if is_verbatim(line) {
            let inside = following(is_verbatim);
            let unindented = |line: &&str| line.strip_prefix("    ").unwrap_or(line).to_owned();
            Block::Verbatim(inside.iter().map(unindented).collect::<Vec<_>>().join("\n"))
        } else if is_row(line) {
            table(&following(is_row))
        } else if item(line).is_some() {
            Block::List(
                following(|line| item(line).is_some()).into_iter().filter_map(item).collect(),
            )
        } else {
            let all = following(is_prose);
            Block::Paragraph(plain(
                &all.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "),
            ))
        });
    }
    blocks
}

fn heading(text: &str) -> Option<String> {
    let title = text.trim_start_matches('#');
    (title.len() < text.len() && title.starts_with(' ')).then(|| plain(title.trim()))
}

fn is_verbatim(line: &str) -> bool {
    line.starts_with("    ")
}

fn is_row(line: &str) -> bool {
    line.trim_start().starts_with('|')
}

fn item(line: &str) -> Option<String> {
    let line = line.trim_start();
    line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")).map(plain)
}

/// A line that continues the paragraph above it.
fn is_prose(line: &str) -> bool {
    let text = line.trim();
    !(text.is_empty()
        || is_row(line)
        || heading(text).is_some()
        || item(line).is_some()
        || text.starts_with("```"))
}

fn table(lines: &[&str]) -> Block {
    let cells = |line: &&str| -> Vec<String> {
        let line = line.trim();
        let line = line.strip_prefix('|').unwrap_or(line);
        line.strip_suffix('|').unwrap_or(line).split('|').map(|cell| plain(cell.trim())).collect()
    };
    let mut rows: Vec<Vec<String>> = lines.iter().map(cells).collect();
    let is_rule = |row: &Vec<String>| {
        row.iter().all(|cell| cell.contains('-') && cell.chars().all(|c| matches!(c, '-' | ':')))
    };
    let mut head = Vec::new();
    if rows.get(1).is_some_and(is_rule) {
        rows.remove(1);
        head = rows.remove(0);
        if head.iter().all(String::is_empty) {
            head.clear();
        }
    }
    Block::Table { head, rows }
}

/// Text without the marks of emphasis and code.
fn plain(text: &str) -> String {
    text.replace("**", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|&cell| cell.to_owned()).collect()
    }

    #[test]
    fn a_card_becomes_blocks() {
        let card = "# a-model\n\n| | |\n|---|---|\n| network | Net |\n| weights | `a.bin`, 7 bytes |\n\
                    \nTrained\nwith\n\n    doorplate train\n      --epochs 2\n\n![curves](a.svg)\n\n\
                    ## Readings\n\n```text\nAccuracy: 90 %\n\n| no | table |\n```\n\
                    - one **thing**\n- another\nand prose\n";
        let expected = [
            Block::Table {
                head: Vec::new(),
                rows: vec![owned(&["network", "Net"]), owned(&["weights", "a.bin, 7 bytes"])],
            },
            Block::Paragraph("Trained with".into()),
            Block::Verbatim("doorplate train\n  --epochs 2".into()),
            Block::Heading("Readings".into()),
            Block::Verbatim("Accuracy: 90 %\n\n| no | table |".into()),
            Block::List(owned(&["one thing", "another"])),
            Block::Paragraph("and prose".into()),
        ];
        assert_eq!(blocks(card), expected);
    }

    #[test]
    fn a_table_has_the_head_that_it_is_given() {
        let table = blocks("| a | b |\n|:--|--:|\n| 1 | 2 |");
        let rows = vec![owned(&["1", "2"])];
        assert_eq!(table, [Block::Table { head: owned(&["a", "b"]), rows }]);
        let rows = vec![owned(&["1", "2"]), owned(&["3"])];
        assert_eq!(blocks("|1|2|\n|3|"), [Block::Table { head: Vec::new(), rows }]);
    }

    #[test]
    fn anything_is_text() {
        assert_eq!(blocks(""), []);
        let html = "<img src=x onerror=alert(1)>";
        assert_eq!(blocks(html), [Block::Paragraph(html.into())]);
        assert_eq!(blocks("```"), [Block::Verbatim(String::new())]);
        assert_eq!(blocks("#hash"), [Block::Paragraph("#hash".into())]);
        assert_eq!(blocks("|"), [Block::Table { head: Vec::new(), rows: vec![owned(&[""])] }]);
    }
}
