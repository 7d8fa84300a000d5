//! Two child processes and a queue between them: one writes, the other reads.
//!
//! ```text
//! Process to write: 50563
//! Put A to queue...
//! Process to read: 50564
//! Get A from queue.
//! Put B to queue...
//! Get B from queue.
//! Put C to queue...
//! Get C from queue.
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use std::process::id;

use piecework::server::{Config, QueueSpec};
use piecework::{Error, Key, Manager, Process};

async fn letters(address: String) -> Result<piecework::Queue<String>, Error> {
    Ok(Manager::connect(address, Key::new("abc")).await?.queue("letters").await?)
}

#[piecework::task]
async fn write(address: String) -> Result<(), String> {
    println!("Process to write: {}", id());
    let queue = letters(address).await.map_err(|error| error.to_string())?;
    for value in ["A", "B", "C"] {
        println!("Put {value} to queue...");
        queue.put(&value.to_owned()).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[piecework::task]
async fn read(address: String) -> Result<(), String> {
    println!("Process to read: {}", id());
    let queue = letters(address).await.map_err(|error| error.to_string())?;
    loop {
        let value = queue.get().await.map_err(|error| error.to_string())?;
        println!("Get {value} from queue.");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    piecework::init(); // first: the children are this program, too
    let mut config = Config::new(Key::new("abc"));
    config.listen = vec!["127.0.0.1:0".parse()?];
    config.queues = vec![QueueSpec::named("letters")];
    let manager = Manager::serve(config).await?;
    let mut writer = Process::spawn(write, (manager.address(),))?;
    let mut reader = Process::spawn(read, (manager.address(),))?;
    writer.join().await??;
    // The reader gets for ever, so it is ended once all was read.
    manager.queue::<String>("letters").await?.join().await?;
    reader.terminate();
    assert!(reader.join().await.is_err());
    Ok(())
}
