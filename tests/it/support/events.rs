//! Event streams, read from a socket.

use std::io;
use std::net::SocketAddr;

use crate::support::http::Client;

/// An open event stream.
#[derive(Debug)]
pub(crate) struct Events {
    client: Client,
    unread: String,
}

/// One block of an event stream, between two blank lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Block {
    pub(crate) event: String,
    pub(crate) id: String,
    pub(crate) data: String,
    pub(crate) retry: String,
    pub(crate) comment: bool,
}

impl Events {
    /// Opens the stream at `/__tidings/events`; panics unless the status is 200.
    #[track_caller]
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::open_at(address, "/__tidings/events")
    }

    #[track_caller]
    pub(crate) fn open_at(address: SocketAddr, path: &str) -> Self {
        let mut client = Client::connect(address).unwrap();
        client
            .send_request("GET", path, &[("Accept", "text/event-stream")])
            .unwrap();
        let head = client.head().unwrap();
        assert_eq!(head.status, 200, "{head:?}");
        Self {
            client,
            unread: String::new(),
        }
    }

    /// The next block; `None` if the stream ended properly, with its last, empty chunk.
    pub(crate) fn block(&mut self) -> io::Result<Option<Block>> {
        self.client.reset_deadline();
        self.next()
    }

    fn next(&mut self) -> io::Result<Option<Block>> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let block = Block::parse(block);
                self.unread = rest.to_owned();
                return Ok(Some(block));
            }
            let Some(chunk) = self.client.chunk()? else {
                assert_eq!(self.unread, "", "the stream ended within a block");
                return Ok(None);
            };
            self.unread.push_str(&String::from_utf8(chunk).unwrap());
        }
    }

    /// The id in the next `release` event; `None` at the end of the stream.
    pub(crate) fn release(&mut self) -> Option<String> {
        // One deadline for the whole wait, since comments keep arriving.
        self.client.reset_deadline();
        loop {
            let block = self.next().unwrap()?;
            if block.event == "release" {
                return Some(block.release_id().to_owned());
            }
        }
    }

    /// The connection, on which the stream continues.
    pub(crate) fn into_client(self) -> Client {
        assert_eq!(self.unread, "");
        self.client
    }

    /// Reads to the end of the stream, and returns the connection.
    pub(crate) fn end(mut self) -> Client {
        self.client.reset_deadline();
        while self.next().unwrap().is_some() {}
        self.client
    }
}

impl Block {
    /// Parses a block without its final blank line.
    pub(crate) fn parse(text: &str) -> Self {
        let mut block = Self::default();
        for line in text.lines() {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
            match name {
                "event" => block.event = value,
                "id" => block.id = value,
                "data" => block.data = value,
                "retry" => block.retry = value,
                "" => block.comment = true,
                _ => panic!("{line:?} has no business in an event stream"),
            }
        }
        block
    }

    /// The data of a `release` event without what is for this moment alone: how far to spread out what comes next.
    pub(crate) fn announced(&self) -> String {
        let (announced, spread) = self.data.rsplit_once(",\"spread\":").expect("a spread");
        spread.strip_suffix('}').unwrap().parse::<u64>().unwrap();
        format!("{announced}}}")
    }

    /// The `id` in the data of a `release` event.
    pub(crate) fn release_id(&self) -> &str {
        let (_, rest) = self.data.split_once(r#""id":""#).expect("an id");
        rest.split('"').next().unwrap()
    }
}
