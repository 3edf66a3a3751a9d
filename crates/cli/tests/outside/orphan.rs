//! A runner dies while a program of it is about to act. Without the fence the program acts after everybody has looked; with it, never.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::caches::{estate, propose};
use super::installation::{Installation, LINECLEAR, eventually, run};

/// It says that it has begun, waits until the test lets it, and would act then.
const PLAIN: &str = "echo begun > begun; while [ ! -e go ]; do sleep 0.1; done; echo late > late";
/// The same from a child that no environment, session or parent betrays.
const HIDDEN: &str =
    "setsid env -i PATH=$PATH /bin/sh -c 'echo begun > begun; while [ ! -e go ]; do sleep 0.1; done; echo late > late' & wait";

struct Scene {
    house: Installation,
    change: String,
}

impl Scene {
    /// One change whose step runs this script, approved and begun.
    async fn begun(script: &str) -> Self {
        let mut files: BTreeMap<String, String> = estate(1);
        let step = format!("    do: {{ shell: {{ argv: [/bin/sh, -c, {script:?}] }} }}\n");
        let runbook = files.get_mut("runbooks/purge.yaml").unwrap();
        let lines = runbook.lines().filter(|line| !line.contains("do: {")).map(|line| format!("{line}\n"));
        *runbook = lines.map(|line| if line.contains("- id: purge") { line + &step } else { line }).collect();
        let folder = tempfile::Builder::new().prefix("orphan-").tempdir().unwrap();
        let rules = format!(
            "[[allow]]\naction = \"cache.purge\"\nrisk = \"medium\"\ntools = [\"shell\"]\ntargets = [\"cache/*\"]\n\n\
             [shell]\ncommands = [\"/bin/sh\"]\nworkdir = \"{}\"\n",
            folder.path().display()
        );
        let mut house = Installation::new(&files, &["alice"], &["purger"], &rules);
        // It lives as long as the installation's own folder, and goes with it.
        std::fs::rename(folder.keep(), house.path("work")).unwrap();
        let runner = house.path("data/runner/runner.toml");
        let text = std::fs::read_to_string(&runner).unwrap();
        let moved: String = text
            .lines()
            .map(|line| if line.starts_with("workdir") { format!("workdir = \"{}\"\n", house.text("work")) } else { format!("{line}\n") })
            .collect();
        std::fs::write(runner, moved).unwrap();
        house.start();
        let change = propose(&house, 1).await.remove(0);
        eventually("a request", async || {
            let view = house.get("alice", &format!("/api/v1/changes/{change}")).await;
            (view.get("word").and_then(Value::as_str) == Some("awaiting_approval")).then_some(())
        })
        .await;
        let (status, answer) = house.approve_in_session("alice", &change).await;
        assert_eq!(status, 200, "{answer}");
        let scene = Self { house, change };
        eventually("the program has begun", async || scene.file("begun").exists().then_some(())).await;
        scene
    }

    fn file(&self, name: &str) -> PathBuf {
        self.house.path("work").join(name)
    }

    /// Numbers of the processes that still run in the folder of the scene.
    fn alive(&self) -> Vec<String> {
        let work = self.house.path("work");
        let inside = |entry: &std::fs::DirEntry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == work);
        let found = std::fs::read_dir("/proc").unwrap().flatten().filter(inside);
        found.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    async fn is_fenced(&mut self) {
        self.house.kill();
        assert!(!self.alive().is_empty(), "the program outlives its runner: there is something to fence");
        self.house.start();
        let word =
            eventually("a person is asked", async || Some(self.house.finished("alice", &self.change).await).filter(|word| word == "stuck"))
                .await;
        assert_eq!(word, "stuck");
        assert_eq!(self.alive(), Vec::<String>::new(), "everything of the attempt ended before anybody was told what became of it");
        std::fs::write(self.file("go"), "").unwrap();
        assert!(!self.file("late").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_fences_and_the_program_acts_after_its_runner_died() {
    let mut scene = Scene::begun(PLAIN).await;
    scene.house.kill();
    std::fs::write(scene.file("go"), "").unwrap();
    // This is what the fence is for: the same scene, and nobody to look.
    eventually("a late effect", async || scene.file("late").exists().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_is_back_ends_what_it_left_before_it_says_what_became_of_it() {
    Scene::begun(PLAIN).await.is_fenced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_hides_from_its_runner_is_ended_where_the_machine_has_control_groups() {
    let said: Value = serde_json::from_slice(&run(LINECLEAR, &["doctor", "--json"]).stdout).unwrap();
    if said.pointer("/sandbox/cgroup") != Some(&Value::Bool(true)) {
        // `lineclear doctor` says so: such a program is not found on this machine.
        return;
    }
    Scene::begun(HIDDEN).await.is_fenced().await;
}
