//! Loads an image archive into a fresh store and says how long each part took.
//!
//! `measure_load <archive> <empty directory>`
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::error::Error;
use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

use lockgate_store::{LoadProgress, SaveItem, Store};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(archive), Some(root)) = (arguments.next(), arguments.next()) else {
        return Err("usage: measure_load <archive> <empty directory>".into());
    };
    let store = Store::open(&root)?;
    let start = Instant::now();
    let loaded = store.load(File::open(archive)?, &mut |progress| {
        if let LoadProgress::Stage(stage) = progress {
            println!("{stage:?} after {:?}", start.elapsed());
        }
    })?;
    println!("loaded {} image(s) in {:?}", loaded.len(), start.elapsed());
    let start = Instant::now();
    let items: Vec<SaveItem> = loaded
        .into_iter()
        .map(|image| SaveItem {
            image: image.id,
            refs: image.refs,
        })
        .collect();
    store.save(&items, std::io::sink())?;
    println!("saved and verified in {:?}", start.elapsed());
    Ok(())
}
