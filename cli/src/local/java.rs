//! Java for a function: this machine's, with AWS's client from Maven Central.
//!
//! The client's jars come by Maven, which takes them from where it is told to. Its native part is taken out of its jar
//! once: the client itself would write it to `/tmp` at every start, where several overwrite each other's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::clients::{self, Client};
use super::interpreters::{Interpreter, find_program};
use crate::output;

/// Copies the jars of a project's dependencies.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
/// The client's native part for this kind of machine, in its jar and beside it.
const NATIVE: Option<&str> = match (cfg!(target_arch = "x86_64"), cfg!(target_arch = "aarch64")) {
    (true, _) => Some("libaws-lambda-jni.linux-x86_64.so"),
    (_, true) => Some("libaws-lambda-jni.linux-aarch_64.so"),
    _ => None,
};

/// The Java and client for the runtime `name`, which is of `version`.
pub(super) async fn find(cache: &Path, name: &str, version: &str) -> Result<Interpreter, String> {
    let wanted: u32 =
        version.trim_end_matches(".al2").parse().map_err(|_| format!("'{name}' names no version of Java"))?;
    let (program, major) = here().await.ok_or_else(|| {
        format!("there is no Java to run '{name}': neither in JAVA_HOME nor in PATH is a program `java`")
    })?;
    if major != wanted {
        output::note(format_args!(
            "There is no Java {wanted} here: Java {major} runs functions of {name} ({}); JAVA_HOME chooses another",
            program.display()
        ));
    }
    let client = clients::JAVA.ready(cache, "java", maven).await?;
    let native = native(&client).map_err(|error| format!("the client's native part: {error}"))?;
    Ok(Interpreter::Java { program, client, native, major })
}

/// The program `java` and its version.
async fn here() -> Option<(PathBuf, u32)> {
    let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    let program = home.filter(|program| program.is_file()).or_else(|| find_program("java"))?;
    let mut command = Command::new(&program);
    command.args(["-XshowSettings:properties", "-version"]).stdin(Stdio::null()).kill_on_drop(true);
    // It is the function that is debugged.
    command.env_remove("JAVA_TOOL_OPTIONS");
    let told = command.output().await.ok().filter(|output| output.status.success())?;
    major_in(&String::from_utf8_lossy(&[told.stderr, told.stdout].concat())).map(|major| (program, major))
}

/// The version that Java's settings name: `17`, or `1.8` for 8.
fn major_in(settings: &str) -> Option<u32> {
    let version =
        settings.lines().find_map(|line| line.trim().strip_prefix("java.specification.version = "))?;
    version.strip_prefix("1.").unwrap_or(version).parse().ok()
}

fn maven(to: &Path, client: Client) -> Command {
    let Client { package, version, .. } = client;
    let project = format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>kubelambda</groupId><artifactId>client</artifactId><version>1</version><packaging>pom</packaging>\
         <dependencies><dependency><groupId>com.amazonaws</groupId><artifactId>{package}</artifactId>\
         <version>{version}</version></dependency></dependencies></project>"
    );
    let file = to.join("pom.xml");
    // A Maven that cannot have it says so itself.
    drop(fs::write(&file, project));
    let mut command = Command::new("mvn");
    command.args(["--quiet", "--batch-mode", "--file"]).arg(file);
    command.args(["-DincludeScope=runtime", &format!("-DoutputDirectory={}", to.display()), COPY]);
    command.env_remove("JAVA_TOOL_OPTIONS");
    command
}

/// The client's native part as a file, where there is one for this kind of machine.
fn native(client: &Path) -> io::Result<Option<PathBuf>> {
    let Some(name) = NATIVE else { return Ok(None) };
    let place = client.join(name);
    if !place.is_file() {
        let jar = fs::File::open(client.join(clients::JAVA.proof))?;
        let mut jar = zip::ZipArchive::new(jar)?;
        // Another program may do the same: it appears whole.
        let partial = client.join(format!("{name}.{}", std::process::id()));
        io::copy(&mut jar.by_name(&format!("jni/{name}"))?, &mut fs::File::create(&partial)?)?;
        fs::rename(&partial, &place)?;
    }
    Ok(Some(place))
}

/// The program's arguments: as in AWS's image the heap leaves room for the rest of the JVM, and short invocations
/// gain little from its second compiler. The client itself finds code and libraries in the working directory and in
/// `/opt/java`; `layers` are where they are if not there.
pub(super) fn arguments(
    client: &Path,
    native: Option<&Path>,
    layers: Option<&Path>,
    memory_mb: u32,
) -> Vec<String> {
    let mut arguments = vec![
        format!("-XX:MaxHeapSize={}m", u64::from(memory_mb) * 6 / 10),
        "-XX:+UseSerialGC".to_owned(),
        "-XX:TieredStopAtLevel=1".to_owned(),
    ];
    arguments.extend(native.map(|native| {
        let property = "com.amazonaws.services.lambda.runtime.api.client.runtimeapi.NativeClient.JNI";
        format!("-D{property}={}", native.display())
    }));
    let layers = layers.map(|layers| format!(":{}/java/lib/*", layers.display())).unwrap_or_default();
    arguments.extend(["-cp".to_owned(), format!("{}/*{layers}", client.display())]);
    arguments.push("com.amazonaws.services.lambda.runtime.api.client.AWSLambda".to_owned());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_versions_are_read() {
        let settings = |version: &str| {
            format!("Property settings:\n    java.specification.version = {version}\n    java.vendor = x\n")
        };
        assert_eq!(major_in(&settings("17")), Some(17));
        assert_eq!(major_in(&settings("1.8")), Some(8));
        assert_eq!(major_in("openjdk version \"21\""), None);
    }

    #[test]
    fn the_heap_follows_the_memory_and_layers_that_are_elsewhere_are_found() {
        let native = Path::new("/c/n.so");
        let text = arguments(Path::new("/c"), Some(native), Some(Path::new("/run/layers")), 512).join(" ");
        for part in ["-XX:MaxHeapSize=307m", "NativeClient.JNI=/c/n.so", "-cp /c/*:/run/layers/java/lib/*"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
