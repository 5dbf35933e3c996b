//! The accessibility tree, which the browser exposes to screen readers.

use std::collections::HashMap;

use serde_json::Value;

/// The tree of a page as Chromium computes it, without ignored nodes.
#[derive(Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    index_by_id: HashMap<String, usize>,
}

/// A node of a [`Tree`].
#[derive(Debug)]
pub struct Node {
    /// Its role, such as `status` or `button`.
    pub role: String,
    /// Its accessible name; empty if it has none.
    pub name: String,
    /// How changes in it are announced, such as `polite`; empty if they are not.
    pub live: String,
    id: String,
    ignored: bool,
    children: Vec<String>,
}

impl Tree {
    /// Reads the result of the DevTools command `Accessibility.getFullAXTree`.
    pub fn read(result: &Value) -> Self {
        let list = result["nodes"].as_array().map_or(&[][..], Vec::as_slice);
        let nodes: Vec<_> = list.iter().map(Node::read).collect();
        let index_by_id = nodes.iter().enumerate();
        let index_by_id = index_by_id
            .map(|(at, node)| (node.id.clone(), at))
            .collect();
        Self { nodes, index_by_id }
    }

    /// The nodes of a role, in document order.
    pub fn with_role(&self, role: &str) -> impl Iterator<Item = &Node> {
        let there = self.nodes.iter().filter(|node| !node.ignored);
        there.filter(move |node| node.role == role)
    }

    /// The text of a node and its descendants, in one line.
    pub fn text(&self, node: &Node) -> String {
        let mut words = Vec::new();
        self.collect(node, &mut words);
        words.join(" ")
    }

    fn collect<'a>(&'a self, node: &'a Node, words: &mut Vec<&'a str>) {
        if node.role == "StaticText" && !node.ignored {
            words.push(node.name.trim());
            return;
        }
        for child in self.children(node) {
            self.collect(child, words);
        }
    }

    fn children<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = &'a Node> {
        let index_by_id = node
            .children
            .iter()
            .filter_map(|id| self.index_by_id.get(id));
        index_by_id.map(|&at| &self.nodes[at])
    }
}

impl Node {
    fn read(node: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let live = list(&node["properties"])
            .iter()
            .find(|property| property["name"] == "live")
            .map(|property| text(&property["value"]["value"]));
        Self {
            role: text(&node["role"]["value"]),
            name: text(&node["name"]["value"]),
            live: live.unwrap_or_default(),
            id: text(&node["nodeId"]),
            ignored: node["ignored"] == true,
            children: list(&node["childIds"]).iter().map(text).collect(),
        }
    }
}
