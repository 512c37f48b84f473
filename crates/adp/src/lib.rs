//! Puts a descriptor of the Async Debugging Protocol into the binary.
//!
//! A descriptor is JSON that tells a debugger where an async runtime keeps its executors, tasks,
//! wakers and waits. One line in the runtime's crate is enough:
//!
//! ```ignore
//! adp::describe!("adp.json");
//! ```
//!
//! The path is relative to the source file, as that of `include_bytes!`. On ELF platforms the JSON
//! becomes a note in the section `.note.adp`: bytes that nobody reads until a debugger does. No
//! code is generated, nothing runs and nothing is allocated. Elsewhere only the size is checked.

#![no_std]
#![forbid(unsafe_code)]

/// Bytes of a descriptor at most: readers refuse more.
pub const MAX_SIZE: usize = 1 << 20;

/// Puts the descriptor in a file into the binary.
///
/// The file is JSON of at most [`MAX_SIZE`] bytes; anything larger, or what does not begin with
/// `{`, does not compile. Several crates of one program may each have descriptors.
#[macro_export]
macro_rules! describe {
    ($path:expr $(,)?) => {
        const _: () = {
            const JSON: &[u8] = include_bytes!($path);
            const _: () = $crate::__private::check(JSON);
            $crate::__note!(include_bytes!($path), JSON.len());
        };
    };
}

#[cfg(all(unix, not(any(target_vendor = "apple", target_os = "aix"))))]
#[doc(hidden)]
#[macro_export]
macro_rules! __note {
    ($json:expr, $size:expr) => {
        #[used]
        #[link_section = ".note.adp"]
        static NOTE: $crate::__private::Note<{ $size }, { $crate::__private::padding($size) }> =
            $crate::__private::Note::new($json);
    };
}

#[cfg(not(all(unix, not(any(target_vendor = "apple", target_os = "aix")))))]
#[doc(hidden)]
#[macro_export]
macro_rules! __note {
    ($json:expr, $size:expr) => {};
}

#[doc(hidden)]
pub mod __private {
    /// An ELF note: name `ADP`, type 0x41445001, a descriptor padded with spaces to four bytes.
    #[repr(C, align(4))]
    pub struct Note<const SIZE: usize, const PADDING: usize> {
        name_size: u32,
        size: u32,
        kind: u32,
        name: [u8; 4],
        json: [u8; SIZE],
        padding: [u8; PADDING],
    }

    impl<const SIZE: usize, const PADDING: usize> Note<SIZE, PADDING> {
        pub const fn new(json: &[u8; SIZE]) -> Self {
            Note {
                name_size: 4,
                size: (SIZE + PADDING) as u32,
                kind: 0x4144_5001,
                name: *b"ADP\0",
                json: *json,
                padding: [b' '; PADDING],
            }
        }
    }

    pub const fn padding(size: usize) -> usize {
        (4 - size % 4) % 4
    }

    /// Stops the compilation where a reader would refuse the descriptor.
    pub const fn check(json: &[u8]) {
        assert!(json.len() <= super::MAX_SIZE, "an ADP descriptor has at most 1 MiB");
        let mut at = 0;
        while at < json.len() && matches!(json[at], b' ' | b'\t' | b'\r' | b'\n') {
            at += 1;
        }
        assert!(at < json.len() && json[at] == b'{', "an ADP descriptor is a JSON object");
    }
}
