//! Crates that know nothing of Lariat, only the traits of `futures-io`.

use async_compression::futures::bufread::ZlibDecoder;
use async_compression::futures::write::ZlibEncoder;
use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, StreamExt};

use super::{pair, pattern, run};

#[test]
fn futures_lite_reads_lines_and_exact_lengths() {
    run(|reactor| async move {
        let (mut client, server) = pair(&reactor).await?;
        client.write_all(b"one\r\ntwo\nthree").await?;
        client.close_write();
        let lines: Vec<_> = BufReader::with_capacity(4, server).lines().try_collect().await?;
        assert_eq!(lines, ["one", "two", "three"]);
        let (mut client, mut server) = super::pair_at(&reactor, 7001).await?;
        client.write_all(&pattern(50_000)).await?;
        let mut exact = vec![0; 40_000];
        server.read_exact(&mut exact).await?;
        assert!(exact == pattern(40_000));
        // The stream is a buffered reader itself.
        AsyncWriteExt::write_all(&mut server, b"key: value\n").await?;
        AsyncWriteExt::close(&mut server).await?;
        let mut line = String::new();
        client.read_line(&mut line).await?;
        assert_eq!(line, "key: value\n");
        assert_eq!(client.read_line(&mut String::new()).await?, 0);
        Ok(())
    });
}

#[test]
fn async_compression_packs_and_unpacks_on_the_way() {
    run(|reactor| async move {
        let (client, server) = pair(&reactor).await?;
        let text = "the same words again and again, ".repeat(20_000);
        let sent = text.clone();
        let sending = reactor.spawn(async move {
            let mut packer = ZlibEncoder::new(client);
            AsyncWriteExt::write_all(&mut packer, sent.as_bytes()).await?;
            AsyncWriteExt::close(&mut packer).await
        });
        let mut unpacked = String::new();
        ZlibDecoder::new(server).read_to_string(&mut unpacked).await?;
        sending.await?;
        assert!(unpacked == text);
        let carried = reactor.stats().bytes_received;
        assert!(carried < 20_000, "{carried} bytes went over the network");
        Ok(())
    });
}
