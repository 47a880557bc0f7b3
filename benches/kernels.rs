//! How fast the hot loops are: distance kernels in GB/s, values of COPY and of results in rows/s.
//! `cargo bench --bench kernels`

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::hint::black_box;
use std::time::Duration;

use redkite::base::{Clock, Random, SeededRandom, SystemClock};
use redkite::index::{Metric, Selection, TopK, search_flat};
use redkite::types::{ColumnBuilder, ColumnEncoder, PgType, TextContext};

const DIMENSIONS: usize = 128;

/// The shortest of several runs: the machine's other work only adds.
fn best(mut run: impl FnMut()) -> Duration {
    let clock = SystemClock::new();
    let time = |_| {
        let start = clock.monotonic();
        run();
        clock.monotonic() - start
    };
    (0..7).map(time).min().unwrap_or_default()
}

fn vectors(rows: usize) -> Vec<f32> {
    let random = SeededRandom::new(1);
    let mut bytes = vec![0; rows * DIMENSIONS];
    random.fill(&mut bytes);
    bytes.into_iter().map(|byte| f32::from(byte) / 255.0 - 0.5).collect()
}

fn search(rows: usize) {
    let data = vectors(rows);
    let query: Vec<f32> = data[..DIMENSIONS].iter().map(|element| element * 0.9).collect();
    for metric in Metric::OF_NUMBERS {
        let time = best(|| {
            let mut top = TopK::new(10);
            search_flat(metric, &query, &data, 0, Selection::All, &mut top);
            black_box(top.into_sorted());
        });
        let gigabytes = (data.len() * 4) as f64 / 1e9;
        println!(
            "search {rows} x {DIMENSIONS} {metric}: {:.1} GB/s",
            gigabytes / time.as_secs_f64()
        );
    }
}

fn values() {
    const ROWS: usize = 8192;
    let data = vectors(ROWS);
    let dimensions = u16::try_from(DIMENSIONS).unwrap_or(u16::MAX);
    let columns: Vec<(PgType, Vec<u8>)> = vec![
        (PgType::Int8, 42i64.to_be_bytes().to_vec()),
        (PgType::Text, b"a title of a usual length".to_vec()),
        (PgType::Float8, 19.99f64.to_be_bytes().to_vec()),
        (PgType::Timestamptz, 757_382_400_000_000i64.to_be_bytes().to_vec()),
        (PgType::Bool, vec![1]),
        (PgType::Vector(Some(dimensions)), {
            let mut bytes = dimensions.to_be_bytes().to_vec();
            bytes.extend([0, 0]);
            data[..DIMENSIONS].iter().for_each(|element| bytes.extend(element.to_be_bytes()));
            bytes
        }),
    ];
    let report = |what: &str, time: Duration| {
        println!("{what}: {:.0} rows/s", ROWS as f64 / time.as_secs_f64());
    };
    let build = || -> Vec<_> {
        let fill = |(ty, bytes): &(PgType, Vec<u8>)| {
            let mut column = ColumnBuilder::new(ty, ROWS);
            for _ in 0..ROWS {
                black_box(column.append_binary(black_box(bytes))).unwrap_or_default();
            }
            column.finish()
        };
        columns.iter().map(fill).collect()
    };
    report("binary in, 5 scalars + vector(128)", best(|| drop(black_box(build()))));
    let arrays = build();
    let encoders: Vec<ColumnEncoder> = columns
        .iter()
        .zip(&arrays)
        .filter_map(|((ty, _), array)| ColumnEncoder::new(array, ty).ok())
        .collect();
    let context = TextContext::default();
    let mut out = bytes::BytesMut::with_capacity(1 << 24);
    let write = |out: &mut bytes::BytesMut, text: bool| {
        out.clear();
        for row in 0..ROWS {
            for encoder in &encoders {
                if text {
                    encoder.write_text(row, out, &context);
                } else {
                    encoder.write_binary(row, out);
                }
            }
        }
    };
    report("binary out", best(|| write(&mut out, false)));
    report("text out", best(|| write(&mut out, true)));
}

fn main() {
    search(2_000);
    search(500_000);
    values();
}
