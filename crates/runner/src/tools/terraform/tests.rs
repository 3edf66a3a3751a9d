use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lineclear_core::run::{AttemptKey, Direction};
use tempfile::TempDir;

use super::*;
use crate::control::{call, id};

fn site() -> Site {
    let key = AttemptKey { run: id("run", 1), step: "only".parse().unwrap(), direction: Direction::Do, number: 1 };
    Site { key, budget: Duration::from_mins(1) }
}

struct Bench {
    folder: TempDir,
    all: Arc<Workspaces>,
}

impl Bench {
    fn new(terraform: &Path) -> Self {
        let folder = TempDir::new().unwrap();
        let (workspace, plans) = (folder.path().join("edge"), folder.path().join("plans"));
        std::fs::create_dir(&workspace).unwrap();
        std::fs::create_dir(&plans).unwrap();
        std::fs::write(folder.path().join("environment"), "# of the provider\nTF_VAR_token=correct-horse-battery\n").unwrap();
        let config = TerraformConfig {
            folder: workspace,
            plans,
            environment: Some(folder.path().join("environment")),
            terraform: terraform.to_owned(),
        };
        Self { folder, all: Arc::new(Workspaces::new(&[("edge".to_owned(), config)].into())) }
    }

    fn write(&self, text: &str) {
        std::fs::write(self.folder.path().join("edge/main.tf"), text).unwrap();
    }

    async fn plan(&self) -> Value {
        TerraformPlan(Arc::clone(&self.all)).call(Args::of(&call("terraform_plan", json!({"workspace": "edge"}))), &site()).await.unwrap()
    }

    async fn apply(&self, plan: &Value, deletes: u64) -> Result<Value, ToolError> {
        self.tool().call(Args::of(&apply(plan, deletes)), &site()).await
    }

    fn tool(&self) -> TerraformApply {
        TerraformApply(Arc::clone(&self.all))
    }

    async fn settled(&self) -> bool {
        self.tool().check(Args::of(&call("terraform_apply", json!({"workspace": "edge"})))).await.unwrap().holds
    }
}

fn apply(plan: &Value, deletes: u64) -> ToolCall {
    call("terraform_apply", json!({"workspace": "edge", "plan": plan["plan"], "deletes": deletes}))
}

/// Terraform itself is in no Debian package; where somebody has put it, it is the judge.
fn real() -> Option<PathBuf> {
    let found = ["/usr/local/bin/terraform", "/usr/bin/terraform"].into_iter().map(PathBuf::from).find(|path| path.exists());
    if found.is_none() {
        println!("Terraform is not installed here; its plans are tested as texts, and it as a fake");
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_plan_is_applied_as_it_was_saved_and_once() {
    let Some(terraform) = real() else { return };
    let bench = Bench::new(&terraform);
    bench.write("resource \"terraform_data\" \"a\" { input = \"one\" }\nresource \"terraform_data\" \"b\" { input = \"two\" }\n");
    let init =
        Command::new(&terraform).arg("init").current_dir(bench.folder.path().join("edge")).env("CHECKPOINT_DISABLE", "1").output().unwrap();
    assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    let first = bench.plan().await;
    assert_eq!(first["changes"]["counts"], "2 to create");
    let preview = bench.tool().preview(Args::of(&apply(&first, 0)), None).await.unwrap();
    assert!(
        preview.summary.ends_with("of `edge`: 2 to create") && preview.targets == ["create terraform_data.a", "create terraform_data.b"]
    );
    assert!(!bench.settled().await);
    bench.apply(&first, 0).await.unwrap();
    assert!(bench.settled().await);
    // Terraform refuses the second.
    let why = "the plan is stale: the state has changed since it was made";
    assert_eq!(bench.apply(&first, 0).await, Err(ToolError::NotApplied(why.into())));

    bench.write("resource \"terraform_data\" \"a\" { input = \"three\" }\n");
    let second = bench.plan().await;
    assert_eq!((&second["changes"]["counts"], &second["changes"]["deleted"]), (&json!("1 to update, 1 to delete"), &json!(1)));
    let why = "the plan deletes or replaces 1 resources, and 0 are allowed";
    assert_eq!(bench.apply(&second, 0).await, Err(ToolError::NotApplied(why.into())));
    assert_eq!(bench.tool().preview(Args::of(&apply(&second, 0)), None).await, Err(why.into()));
    // One byte more is another plan.
    let saved = std::fs::read_dir(bench.folder.path().join("plans")).unwrap().flatten().map(|entry| entry.path());
    for path in saved.collect::<Vec<_>>() {
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.push(0);
        std::fs::write(&path, bytes).unwrap();
    }
    let why = "the saved plan is not the one that was approved: its digest is another";
    assert_eq!(bench.apply(&second, 1).await, Err(ToolError::NotApplied(why.into())));
    let third = bench.plan().await;
    bench.apply(&third, 1).await.unwrap();
    assert!(bench.settled().await);
    let nothing = bench.plan().await;
    assert_eq!(bench.apply(&nothing, 0).await, Err(ToolError::NotApplied("the plan changes nothing".into())));
}

/// A program that answers as Terraform does, with this end of `apply`.
fn fake(end: &str) -> Bench {
    let bench = Bench::new(Path::new("/nowhere"));
    let program = bench.folder.path().join("terraform");
    let plan = json!({"format_version": "1.2", "resource_changes": [{"address": "a.b", "change": {"actions": ["update"]}}]});
    let text = format!(
        "#!/bin/sh\ncase $1 in\nplan) for word in \"$@\"; do case $word in -out=*) echo saved > ${{word#-out=}};; esac; done;;\nshow) echo '{plan}';;\n\
         apply) {end};;\nesac\n"
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut config = bench.all.0["edge"].clone();
    config.terraform = program;
    Bench { all: Arc::new(Workspaces::new(&[("edge".to_owned(), config)].into())), ..bench }
}

#[tokio::test]
async fn what_became_of_an_apply_is_told_without_what_is_secret() {
    let check = async |end: &str| {
        let bench = fake(end);
        let plan = bench.plan().await;
        bench.apply(&plan, 0).await
    };
    assert!(check("exit 0").await.is_ok());
    let failed = check("echo \"Error: token $TF_VAR_token is bad\" >&2; exit 1").await;
    assert!(matches!(&failed, Err(ToolError::Partly(why)) if why.contains("token [secret] is bad")), "{failed:?}");
    let locked = check("echo 'Error: Error acquiring the state lock' >&2; exit 1").await;
    assert!(matches!(&locked, Err(ToolError::NotApplied(_))), "{locked:?}");
    let killed = check("kill -KILL $$").await;
    assert!(matches!(&killed, Err(ToolError::Unknown(why)) if why.contains("lock of the state")), "{killed:?}");
}

#[tokio::test]
async fn arguments_that_are_none_start_nothing() {
    let bench = Bench::new(Path::new("/nowhere/terraform"));
    let digest = Digest::of(b"x").to_string();
    let (tool, good) = (bench.tool(), json!({"plan": digest}));
    for (name, value) in [
        ("workspace", json!("other")),
        ("plan", json!("sha256:1")),
        ("plan", json!("../../etc/passwd")),
        ("deletes", json!(1_001)),
        ("deletes", json!("all")),
        ("target", json!("a.b")),
    ] {
        let mut call = apply(&good, 0);
        call.with.insert(name.into(), value.clone());
        assert!(tool.effect(&Args::of(&call)).is_err(), "{name} {value}");
    }
    assert_eq!(tool.effect(&Args::of(&apply(&good, 0))), Ok(EffectClass::Cas));
    let missing = bench.apply(&good, 0).await;
    assert!(matches!(&missing, Err(ToolError::NotApplied(why)) if why.contains("no such saved plan")), "{missing:?}");
}
