//! Stub without the `zstd` feature.

pub(super) const TOKEN: Option<&str> = None;

pub(super) fn encode_pieces(_: &[&[u8]]) -> Vec<Vec<u8>> {
    panic!("without zstd")
}

#[derive(Default)]
pub(crate) struct Decoder;

impl Decoder {
    #[expect(clippy::unused_self, reason = "as where there is something")]
    pub(super) fn write(&mut self, _: &[u8]) {
        panic!("without zstd")
    }

    #[expect(clippy::unused_self, reason = "as where there is something")]
    pub(super) fn decoded(&self) -> Vec<u8> {
        panic!("without zstd")
    }
}
