//! `stats`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;

use super::super::context::Context;
use super::super::each::finish;
use super::super::view::View;
use super::path;
use super::usage::{COLUMNS, Usage};
use crate::args::StatsArgs;
use crate::client::{Client, ClientError, filters_json};
use crate::failure::{Failure, Outcome};
use crate::format::{Listing, Row};
use crate::output::Output;

/// Runs `stats`.
pub(crate) async fn run(context: &Context, args: &StatsArgs, out: &mut Output) -> Outcome {
    if args.no_stream {
        return once(context, args, out).await;
    }
    follow(context, args, out).await
}

async fn once(context: &Context, args: &StatsArgs, out: &mut Output) -> Outcome {
    let names = names(context, args).await?;
    let mut tasks = Vec::new();
    for name in names {
        let client = Arc::clone(&context.client);
        tasks.push(tokio::spawn(async move {
            let call = client.get(path(&name, "stats")).query("stream", "0");
            call.fetch::<Value>().await.map(|sample| (name, sample))
        }));
    }
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for task in tasks {
        match task
            .await
            .map_err(|error| Failure::new(error.to_string()))?
        {
            Ok((name, sample)) => {
                let mut usage = Usage::unknown(&name);
                usage.update(View::new(&sample));
                rows.push(usage.row(!args.no_trunc));
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    if failures.is_empty() {
        print(context, args, &rows, out)?;
    }
    finish(&failures)
}

async fn names(context: &Context, args: &StatsArgs) -> Result<Vec<String>, ClientError> {
    if !args.containers.is_empty() {
        return Ok(args.containers.clone());
    }
    let call = context.client.get("/containers/json").flag("all", args.all);
    let answer: Value = call.fetch().await?;
    let ids = View::new(&answer)
        .items()
        .map(|container| container.text("Id").to_owned());
    Ok(ids.map(|id| crate::format::short_id(&id)).collect())
}

fn print(
    context: &Context,
    args: &StatsArgs,
    rows: &[Row],
    out: &mut Output,
) -> Result<(), Failure> {
    let format = context.format(args.format.as_deref(), "statsFormat", false);
    Listing {
        columns: COLUMNS,
        table: TABLE,
        quiet: None,
        format,
    }
    .print(rows, out)
}

const TABLE: &str = "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t\
                     {{.BlockIO}}\t{{.PIDs}}";

/// News for the table.
enum News {
    Sample(String, Value),
    Gone(String),
    Came(String),
    Broken(String),
}

async fn follow(context: &Context, args: &StatsArgs, out: &mut Output) -> Outcome {
    let (sender, mut news) = mpsc::unbounded_channel();
    let mut shown: BTreeMap<String, Usage> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    let follows_all = args.containers.is_empty();
    if follows_all {
        watch_events(&context.client, sender.clone(), args.all).await?;
    }
    for name in names(context, args).await? {
        add(&context.client, &sender, &mut shown, &mut order, name);
    }
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    tick.tick().await;
    loop {
        tokio::select! {
            _ = tick.tick() => {
                let rows: Vec<Row> = order
                    .iter()
                    .filter_map(|name| Some(shown.get(name)?.row(!args.no_trunc)))
                    .collect();
                draw(context, args, &rows, out)?;
            }
            Some(item) = news.recv() => match item {
                News::Sample(name, sample) => {
                    if let Some(usage) = shown.get_mut(&name) {
                        usage.update(View::new(&sample));
                    }
                }
                News::Came(name) => add(&context.client, &sender, &mut shown, &mut order, name),
                News::Gone(name) => {
                    shown.remove(&name);
                    order.retain(|known| *known != name);
                    if shown.is_empty() && !follows_all {
                        return Ok(0);
                    }
                }
                News::Broken(reason) => return Err(Failure::new(reason)),
            },
        }
    }
}

/// Clears the screen, as far as it is one, and prints the table.
fn draw(
    context: &Context,
    args: &StatsArgs,
    rows: &[Row],
    out: &mut Output,
) -> Result<(), Failure> {
    if out.is_terminal() {
        out.text("\u{1b}[H\u{1b}[J")?;
    } else {
        out.text("\u{1b}[H")?;
    }
    print(context, args, rows, out)?;
    out.flush()?;
    Ok(())
}

fn add(
    client: &Arc<Client>,
    sender: &mpsc::UnboundedSender<News>,
    shown: &mut BTreeMap<String, Usage>,
    order: &mut Vec<String>,
    name: String,
) {
    if shown.contains_key(&name) {
        return;
    }
    shown.insert(name.clone(), Usage::unknown(&name));
    order.push(name.clone());
    let (client, sender) = (Arc::clone(client), sender.clone());
    drop(tokio::spawn(async move {
        let ended = stream(&client, &sender, &name).await;
        let last = match ended {
            Err(error) if !error.is_not_found() && error.status().is_some() => {
                News::Broken(error.to_string())
            }
            Err(error) if error.is_not_found() => News::Broken(error.to_string()),
            _ => News::Gone(name),
        };
        // Nobody listens any more once the command ends.
        sender.send(last).unwrap_or_default();
    }));
}

async fn stream(
    client: &Client,
    sender: &mpsc::UnboundedSender<News>,
    name: &str,
) -> Result<(), ClientError> {
    let mut lines = client
        .get(path(name, "stats"))
        .query("stream", "1")
        .send()
        .await?
        .lines();
    while let Some(sample) = lines.next::<Value>().await? {
        if sender.send(News::Sample(name.to_owned(), sample)).is_err() {
            break;
        }
    }
    Ok(())
}

/// Containers come and go while we watch.
async fn watch_events(
    client: &Arc<Client>,
    sender: mpsc::UnboundedSender<News>,
    all: bool,
) -> Result<(), ClientError> {
    let kinds: &[&str] = if all {
        &["create", "destroy"]
    } else {
        &["start", "die", "destroy"]
    };
    let filters = BTreeMap::from([
        ("type".to_owned(), vec!["container".to_owned()]),
        (
            "event".to_owned(),
            kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        ),
    ]);
    let call = client
        .get("/events")
        .query("filters", filters_json(&filters));
    let mut lines = call.send().await?.lines();
    drop(tokio::spawn(async move {
        while let Ok(Some(event)) = lines.next::<Value>().await {
            let event = View::new(&event);
            let id = crate::format::short_id(event.at("Actor").text("ID"));
            let news = match event.text("Action") {
                "create" | "start" => News::Came(id),
                _ => News::Gone(id),
            };
            if sender.send(news).is_err() {
                break;
            }
        }
    }));
    Ok(())
}
