//! A strict reader of Prometheus' text format 0.0.4, by its description: every sample belongs to a family whose
//! `HELP` and `TYPE` came before it, families stand together, no series comes twice, histograms add up.

use std::collections::{BTreeMap, BTreeSet};

/// Series with their values.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    samples: BTreeMap<String, String>,
    pub(crate) types: BTreeMap<String, String>,
}

impl Exposition {
    pub(crate) fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line ends");
        let mut all = Self::default();
        let (mut helped, mut family) = (BTreeSet::new(), String::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(is_name(name) && !help.is_empty(), "{line}");
                assert!(
                    helped.insert(name.to_owned()),
                    "a family comes twice: {line}"
                );
                name.clone_into(&mut family);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert_eq!(name, family, "TYPE follows HELP");
                assert!(matches!(kind, "counter" | "gauge" | "histogram"), "{line}");
                all.types.insert(name.to_owned(), kind.to_owned());
            } else {
                all.sample(line, &family);
            }
        }
        all.check_histograms();
        all
    }

    fn sample(&mut self, line: &str, family: &str) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
            None => (series, ""),
        };
        let kind = &self.types[family];
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .filter(|_| kind == "histogram")
            .unwrap_or(name);
        assert_eq!(base, family, "a sample outside its family: {line}");
        assert!(kind != "counter" || name.ends_with("_total"), "{line}");
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            let (key, text) = label.split_once('=').unwrap();
            assert!(is_name(key) && !key.contains(':'), "{line}");
            let text = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'));
            assert!(text.is_some_and(|text| !text.contains('"')), "{line}");
        }
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let value = value.to_owned();
        assert!(
            self.samples.insert(series.to_owned(), value).is_none(),
            "twice: {line}"
        );
    }

    /// Buckets grow, and the last one has all.
    fn check_histograms(&self) {
        for (series, count) in &self.samples {
            let Some((name, labels)) = series.split_once("_count{") else {
                continue;
            };
            let labels = labels.strip_suffix('}').unwrap();
            let start = format!("{name}_bucket{{{labels},le=\"");
            let mut buckets: Vec<(f64, u64)> = self
                .samples
                .iter()
                .filter_map(|(series, count)| {
                    let bound = series.strip_prefix(&start)?.strip_suffix("\"}")?;
                    Some((bound.parse().unwrap(), count.parse().unwrap()))
                })
                .collect();
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(
                buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1),
                "{series}"
            );
            assert_eq!(
                buckets.last(),
                Some(&(f64::INFINITY, count.parse().unwrap())),
                "{series}"
            );
        }
    }

    /// The value of a series that is a whole number, 0 if it is not there.
    pub(crate) fn value(&self, series: &str) -> u64 {
        self.samples
            .get(series)
            .map_or(0, |text| text.parse().unwrap())
    }

    pub(crate) fn series(&self) -> impl Iterator<Item = &str> {
        self.samples.keys().map(String::as_str)
    }
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == ':')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}
