//! Medians and ratios, as a table for people and JSON for programs.

use std::collections::BTreeMap;

use serde_json::json;

use crate::rows;

/// All measured values, by row and engine; the first engine is ours.
pub(crate) struct Report {
    engines: Vec<String>,
    rows: Vec<String>,
    values: BTreeMap<(String, String), Vec<f64>>,
}

impl Report {
    pub(crate) fn new(engines: Vec<String>) -> Self {
        Self {
            engines,
            rows: Vec::new(),
            values: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, row: &str, engine: &str, value: f64) {
        if !self.rows.iter().any(|known| known == row) {
            self.rows.push(row.to_owned());
        }
        self.values
            .entry((row.to_owned(), engine.to_owned()))
            .or_default()
            .push(value);
    }

    fn median(&self, row: &str, engine: &str) -> Option<f64> {
        let mut values = self
            .values
            .get(&(row.to_owned(), engine.to_owned()))?
            .clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// A Markdown table; each peer's column tells its median and our share of it.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "| figure (median) | {} | budget |\n",
            self.engines.join(" | ")
        );
        text += &format!("|---|{}---|\n", "---|".repeat(self.engines.len()));
        for row in &self.rows {
            let ours = self
                .engines
                .first()
                .and_then(|engine| self.median(row, engine));
            let cells = self.engines.iter().enumerate().map(|(index, engine)| {
                match (self.median(row, engine), ours) {
                    (None, _) => "-".to_owned(),
                    (Some(value), Some(ours)) if index > 0 && value > 0.0 => {
                        format!("{} ({:.3}x)", number(value), ours / value)
                    }
                    (Some(value), _) => number(value),
                }
            });
            let cells: Vec<String> = cells.collect();
            text += &format!(
                "| {row} | {} | {} |\n",
                cells.join(" | "),
                rows::budget(row)
            );
        }
        text
    }

    pub(crate) fn json(&self) -> String {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                let engines: BTreeMap<&str, _> = self
                    .engines
                    .iter()
                    .filter_map(|engine| {
                        let values = self.values.get(&(row.clone(), engine.clone()))?;
                        Some((
                            engine.as_str(),
                            json!({ "median": self.median(row, engine), "values": values }),
                        ))
                    })
                    .collect();
                json!({ "row": row, "budget": rows::budget(row), "engines": engines })
            })
            .collect();
        serde_json::to_string_pretty(&rows).unwrap_or_default()
    }
}

fn number(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}
