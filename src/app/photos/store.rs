//! The browser's own database, as far as kept work needs it.

use idb::{
    Database, DatabaseEvent, Factory, ObjectStoreParams, TransactionMode, TransactionResult,
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Blob;

use super::record::Record;

const NAME: &str = "doorplate";
const FILES: &str = "files";
const WORK: &str = "work";
/// The only record in [`WORK`].
const RECORD: &str = "record";

/// The database.
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens it, or makes it.
    ///
    /// # Errors
    /// The browser's own words, as in a private window without storage.
    pub async fn open() -> Result<Self, idb::Error> {
        let mut request = Factory::new()?.open(NAME, Some(1))?;
        request.on_upgrade_needed(|event| {
            let Ok(database) = event.database() else { return };
            for name in [FILES, WORK] {
                // Should it fail, so does every later use, which is reported.
                let _ = database.create_object_store(name, ObjectStoreParams::new());
            }
        });
        Ok(Store { database: request.await? })
    }

    /// What is kept; none when nothing is, or nothing that this version understands.
    pub async fn record(&self) -> Result<Option<Record>, idb::Error> {
        let text = self.get(WORK, RECORD).await?.and_then(|value| value.as_string());
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Keeps a record in the place of the last one.
    pub async fn keep_record(&self, record: &Record) -> Result<(), idb::Error> {
        // Plain data can always be written.
        let text = serde_json::to_string(record).unwrap_or_default();
        self.put(WORK, RECORD, &JsValue::from_str(&text)).await
    }

    /// A file that is kept.
    pub async fn file(&self, key: &str) -> Result<Option<Blob>, idb::Error> {
        Ok(self.get(FILES, key).await?.and_then(|value| value.dyn_into().ok()))
    }

    /// Keeps a file.
    pub async fn keep_file(&self, key: &str, file: &Blob) -> Result<(), idb::Error> {
        self.put(FILES, key, file).await
    }

    /// Keeps no files but these.
    pub async fn keep_only(&self, keys: &[String]) -> Result<(), idb::Error> {
        let transaction = self.database.transaction(&[FILES], TransactionMode::ReadWrite)?;
        let store = transaction.object_store(FILES)?;
        for key in store.get_all_keys(None, None)?.await? {
            if !key.as_string().is_some_and(|key| keys.contains(&key)) {
                store.delete(key)?.await?;
            }
        }
        done(transaction.await?)
    }

    async fn get(&self, store: &str, key: &str) -> Result<Option<JsValue>, idb::Error> {
        let transaction = self.database.transaction(&[store], TransactionMode::ReadOnly)?;
        transaction.object_store(store)?.get(JsValue::from_str(key))?.await
    }

    async fn put(&self, store: &str, key: &str, value: &JsValue) -> Result<(), idb::Error> {
        let transaction = self.database.transaction(&[store], TransactionMode::ReadWrite)?;
        transaction.object_store(store)?.put(value, Some(&JsValue::from_str(key)))?.await?;
        done(transaction.await?)
    }
}

/// A full disk shows only at a transaction's end.
fn done(result: TransactionResult) -> Result<(), idb::Error> {
    match result {
        TransactionResult::Committed => Ok(()),
        TransactionResult::Aborted => Err(idb::Error::DomExceptionNotFound),
    }
}
