//! Every benchmark, in one program: `cargo bench`. A part of a name (`cargo bench -- W2`) chooses
//! some of them. What they measure is kept in `target/criterion`, from where
//! `UPDATE_README=1 cargo test --test performance` writes the README's tables.

mod subject;

use subject::suite::Suite;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut suite = Suite::measuring();
    for bench in subject::ALL {
        bench(&mut suite);
    }
    suite.finish();
}
