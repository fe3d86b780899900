//! What became of each stack of each pull request, and who holds which stack.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::queue::key;
use super::{Store, now, told};
use crate::bot::config::Project;
use crate::bot::forge::{Pull, PullId};
use crate::show::digest::Digest;
use crate::words::Result;

/// How a stack of a pull request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Its plan waits for its turn.
    Waiting,
    /// It is being planned.
    Planning,
    /// It has a plan.
    Planned,
    /// It could not be planned.
    Unplanned,
    /// Another pull request holds it.
    Blocked,
    /// It is not planned, for another reason.
    Refused,
    /// Its plan is being applied, or will be in a moment.
    Applying,
    /// Its plan was applied.
    Applied,
    /// Its plan was applied in part, or not at all.
    Failed,
}

const WORDS: &[(Status, &str)] = &[
    (Status::Waiting, "waiting"),
    (Status::Planning, "planning"),
    (Status::Planned, "planned"),
    (Status::Unplanned, "unplanned"),
    (Status::Blocked, "blocked"),
    (Status::Refused, "refused"),
    (Status::Applying, "applying"),
    (Status::Applied, "applied"),
    (Status::Failed, "failed"),
];

impl Status {
    fn word(self) -> &'static str {
        WORDS.iter().find(|(status, _)| *status == self).map_or("waiting", |(_, word)| word)
    }

    fn of(word: &str) -> Self {
        WORDS.iter().find(|(_, other)| *other == word).map_or(Self::Waiting, |(status, _)| *status)
    }
}

/// A stack of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is locked by: its path and its workspace.
    pub stack: String,
    /// Its place in the order of applies.
    pub position: i64,
    /// The project.
    pub project: Project,
    /// The commits that it is planned of.
    pub tree: String,
    /// How it stands.
    pub status: Status,
    /// What was said: an error, a reason, how an apply ended.
    pub said: String,
    /// What people read of the plan.
    pub digest: Option<Digest>,
    /// The plan.
    pub plan: Option<Vec<u8>>,
    /// Changes that are through.
    pub done: i64,
    /// Of how many.
    pub total: i64,
}

impl Row {
    /// A stack that was not looked at.
    #[must_use]
    pub fn new(project: Project, position: usize, tree: &str, status: Status, said: &str) -> Self {
        Self {
            stack: project.key(),
            position: i64::try_from(position).unwrap_or(i64::MAX),
            project,
            tree: tree.to_owned(),
            status,
            said: said.to_owned(),
            digest: None,
            plan: None,
            done: 0,
            total: 0,
        }
    }
}

/// A pull request as it was last seen, and where it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// As it was.
    pub pull: Pull,
    /// Something to say of all of it.
    pub remark: String,
    /// Its comment.
    pub comment: Option<u64>,
    /// The commit that the check is of.
    pub checked: String,
    /// The check.
    pub check: Option<u64>,
}

/// Who holds a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The pull request's number.
    pub number: u64,
}

fn id(value: Option<i64>) -> Option<u64> {
    value.and_then(|value| u64::try_from(value).ok())
}

fn decode<T: serde::de::DeserializeOwned>(text: &str) -> sqlx::Result<T> {
    serde_json::from_str(text).map_err(|e| sqlx::Error::Decode(e.into()))
}

fn encode<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn row(row: &AnyRow) -> sqlx::Result<Row> {
    let (project, status, digest): (String, String, String) = (row.try_get("project")?, row.try_get("status")?, row.try_get("digest")?);
    Ok(Row {
        stack: row.try_get("stack")?,
        position: row.try_get("position")?,
        project: decode(&project)?,
        tree: row.try_get("tree")?,
        status: Status::of(&status),
        said: row.try_get("said")?,
        digest: if digest.is_empty() { None } else { Some(decode(&digest)?) },
        plan: row.try_get("plan")?,
        done: row.try_get("done")?,
        total: row.try_get("total")?,
    })
}

impl Store {
    /// Remembers how a pull request is now.
    pub async fn see(&self, pull: &Pull, remark: &str) -> Result<()> {
        let (repository, number) = key(&pull.id);
        let sql = "INSERT INTO pulls (repository, number, base_branch, pull, remark, checked) VALUES ($1, $2, $3, $4, $5, '')
            ON CONFLICT (repository, number) DO UPDATE SET base_branch = excluded.base_branch, pull = excluded.pull, remark = excluded.remark";
        let see = sqlx::query(sql).bind(repository).bind(number).bind(pull.base_branch.clone()).bind(encode(pull)).bind(remark.to_owned());
        see.execute(&self.pool).await.map_err(|e| told(&e))?;
        Ok(())
    }

    /// A pull request as it was last seen.
    pub async fn seen(&self, pull: &PullId) -> Result<Option<Seen>> {
        let (repository, number) = key(pull);
        let sql = "SELECT pull, remark, comment, checked, check_id FROM pulls WHERE repository = $1 AND number = $2";
        let found = async {
            let Some(row) = sqlx::query(sql).bind(repository).bind(number).fetch_optional(&self.pool).await? else { return Ok(None) };
            let pull: String = row.try_get("pull")?;
            Ok(Some(Seen {
                pull: decode(&pull)?,
                remark: row.try_get("remark")?,
                comment: id(row.try_get("comment")?),
                checked: row.try_get("checked")?,
                check: id(row.try_get("check_id")?),
            }))
        };
        found.await.map_err(|e: sqlx::Error| told(&e).into())
    }

    /// Remembers where it was told.
    pub async fn told(&self, pull: &PullId, comment: Option<u64>, checked: &str, check: Option<u64>) -> Result<()> {
        let (repository, number) = key(pull);
        let sql = "UPDATE pulls SET comment = $1, checked = $2, check_id = $3 WHERE repository = $4 AND number = $5";
        let told_at = sqlx::query(sql).bind(comment.map(super::number)).bind(checked.to_owned()).bind(check.map(super::number));
        told_at.bind(repository).bind(number).execute(&self.pool).await.map_err(|e| told(&e))?;
        Ok(())
    }

    /// The pull requests into a branch that are known to be open.
    pub async fn into_branch(&self, repository: &str, branch: &str) -> Result<Vec<PullId>> {
        let sql = "SELECT pull FROM pulls WHERE repository = $1 AND base_branch = $2 ORDER BY number";
        let found = async {
            let rows =
                sqlx::query_scalar::<_, String>(sql).bind(repository.to_owned()).bind(branch.to_owned()).fetch_all(&self.pool).await?;
            let pulls: sqlx::Result<Vec<Pull>> = rows.iter().map(|text| decode(text)).collect();
            Ok(pulls?.into_iter().filter(|pull| pull.open).map(|pull| pull.id).collect())
        };
        found.await.map_err(|e: sqlx::Error| told(&e).into())
    }

    /// The stacks of a pull request, in the order of applies.
    pub async fn rows(&self, pull: &PullId) -> Result<Vec<Row>> {
        let (repository, number) = key(pull);
        let sql = "SELECT * FROM stacks WHERE repository = $1 AND number = $2 ORDER BY position, stack";
        let rows = sqlx::query(sql).bind(repository).bind(number).fetch_all(&self.pool).await.map_err(|e| told(&e))?;
        Ok(rows.iter().map(row).collect::<sqlx::Result<_>>().map_err(|e| told(&e))?)
    }

    /// Writes down how a stack of a pull request stands.
    pub async fn put(&self, pull: &PullId, row: &Row) -> Result<()> {
        let (repository, number) = key(pull);
        let sql = "INSERT INTO stacks (repository, number, stack, position, project, tree, status, said, digest, plan, done, total)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (repository, number, stack) DO UPDATE SET
            position = excluded.position, project = excluded.project, tree = excluded.tree, status = excluded.status, said = excluded.said,
            digest = excluded.digest, plan = excluded.plan, done = excluded.done, total = excluded.total";
        let digest = row.digest.as_ref().map(encode).unwrap_or_default();
        let put = sqlx::query(sql).bind(repository).bind(number).bind(row.stack.clone()).bind(row.position).bind(encode(&row.project));
        let put = put.bind(row.tree.clone()).bind(row.status.word()).bind(row.said.clone()).bind(digest).bind(row.plan.clone());
        put.bind(row.done).bind(row.total).execute(&self.pool).await.map_err(|e| told(&e))?;
        Ok(())
    }

    /// How far an apply is.
    pub async fn progress(&self, pull: &PullId, stack: &str, done: usize, total: usize) -> Result<()> {
        let (repository, number) = key(pull);
        let sql = "UPDATE stacks SET done = $1, total = $2 WHERE repository = $3 AND number = $4 AND stack = $5";
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let set = sqlx::query(sql).bind(count(done)).bind(count(total)).bind(repository).bind(number).bind(stack.to_owned());
        set.execute(&self.pool).await.map_err(|e| told(&e))?;
        Ok(())
    }

    /// Forgets a stack of a pull request.
    pub async fn drop_row(&self, pull: &PullId, stack: &str) -> Result<()> {
        let (repository, number) = key(pull);
        let sql = "DELETE FROM stacks WHERE repository = $1 AND number = $2 AND stack = $3";
        sqlx::query(sql).bind(repository).bind(number).bind(stack.to_owned()).execute(&self.pool).await.map_err(|e| told(&e))?;
        Ok(())
    }

    /// Locks a stack for a pull request; gives whoever holds it, which is that one if it was free.
    pub async fn lock(&self, pull: &PullId, stack: &str) -> Result<Held> {
        let (repository, number) = key(pull);
        let holder = async {
            let sql =
                "INSERT INTO locks (repository, stack, number, since) VALUES ($1, $2, $3, $4) ON CONFLICT (repository, stack) DO NOTHING";
            let take = sqlx::query(sql).bind(repository.clone()).bind(stack.to_owned()).bind(number).bind(now());
            take.execute(&self.pool).await?;
            self.holder(&repository, stack).await
        };
        // Between the two it may have been freed again: then it is nobody's, and the next look takes it.
        Ok(Held { number: id(holder.await.map_err(|e| told(&e))?).unwrap_or(0) })
    }

    async fn holder(&self, repository: &str, stack: &str) -> sqlx::Result<Option<i64>> {
        let sql = "SELECT number FROM locks WHERE repository = $1 AND stack = $2";
        sqlx::query_scalar(sql).bind(repository.to_owned()).bind(stack.to_owned()).fetch_optional(&self.pool).await
    }

    /// Whether a pull request holds a stack.
    pub async fn holds(&self, pull: &PullId, stack: &str) -> Result<bool> {
        let holder = self.holder(&pull.repository, stack).await.map_err(|e| told(&e))?;
        Ok(id(holder) == Some(pull.number))
    }

    /// Frees stacks that a pull request holds, all or one; gives the pull requests that wait for them.
    pub async fn unlock(&self, pull: &PullId, stack: Option<&str>) -> Result<Vec<PullId>> {
        let (repository, number) = key(pull);
        let freed = async {
            let sql = "DELETE FROM locks WHERE repository = $1 AND number = $2 AND (stack = $3 OR $3 = '') RETURNING stack";
            let free = sqlx::query_scalar::<_, String>(sql).bind(repository.clone()).bind(number).bind(stack.unwrap_or("").to_owned());
            let mut waiting: Vec<i64> = vec![];
            for stack in free.fetch_all(&self.pool).await? {
                let sql = "SELECT number FROM stacks WHERE repository = $1 AND stack = $2 AND status = 'blocked' ORDER BY number";
                waiting.extend(sqlx::query_scalar::<_, i64>(sql).bind(repository.clone()).bind(stack).fetch_all(&self.pool).await?);
            }
            waiting.sort_unstable();
            waiting.dedup();
            Ok(waiting)
        };
        let waiting = freed.await.map_err(|e: sqlx::Error| told(&e))?;
        let pull = |n: i64| Some(PullId { repository: pull.repository.clone(), number: id(Some(n))? });
        Ok(waiting.into_iter().filter_map(pull).collect())
    }
}
