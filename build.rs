//! Compiles the C++ shim over FAISS (`src/index/faiss/`) against the headers that `faiss-sys`
//! installed. Nothing else.

use std::env;
use std::path::PathBuf;

fn main() {
    const FOLDER: &str = "src/index/faiss";
    println!("cargo:rerun-if-changed={FOLDER}");
    println!("cargo:rerun-if-env-changed=DEP_FAISS_C_ROOT");
    let Some(faiss) = env::var_os("DEP_FAISS_C_ROOT").map(PathBuf::from) else {
        println!("cargo:error=faiss-sys does not tell where FAISS is (feature `static`)");
        return;
    };
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .opt_level(3) // in debug builds too: tests search with it
        .flag("-fopenmp")
        .flag("-Wall")
        .flag("-Wextra")
        .flag("-Wno-unused-parameter") // FAISS's headers
        .flag("-Wno-sign-compare")
        .include(faiss.join("include"))
        .include(FOLDER)
        .file(format!("{FOLDER}/codes.cpp"))
        .file(format!("{FOLDER}/hnsw.cpp"))
        .file(format!("{FOLDER}/kmeans.cpp"))
        .file(format!("{FOLDER}/priority.cpp"))
        .compile("redkite_faiss");
}
