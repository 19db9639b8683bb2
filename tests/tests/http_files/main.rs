//! Files, compression and forms over HTTP: what a server answers, to the byte, over connections in memory.

mod compression;
mod conditions;
mod folders;
mod forms;
mod limits;
mod precompressed;
mod ranges;
mod site;
mod whole_files;
