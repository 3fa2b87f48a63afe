//! The browser's own database, as far as kept work needs it.

use idb::{
    Database, DatabaseEvent, Factory, ObjectStoreParams, TransactionMode, TransactionResult,
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Blob;

use super::record::{Record, RecordBeforeBrush};

const NAME: &str = "doorplate";
const FILES: &str = "files";
const WORK: &str = "work";
/// Grows with the number of the record: a page of an earlier version, which does not know that record
/// and would take its files for forgotten ones, is refused by the browser.
const VERSION: u32 = 2;
/// The only record in [`WORK`]; with another number when [`Record`] changes other than at its end, as
/// its bytes do not say what they mean.
const RECORD: &str = "record-2";
/// A [`RecordBeforeBrush`], of an earlier version of the page.
const EARLIER_RECORD: &str = "record-1";

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
        let mut request = Factory::new()?.open(NAME, Some(VERSION))?;
        request.on_upgrade_needed(|event| {
            let Ok(database) = event.database() else { return };
            let there = database.store_names();
            for name in [FILES, WORK].into_iter().filter(|name| !there.iter().any(|it| it == name))
            {
                // Should it fail, so does every later use, which is reported.
                let _ = database.create_object_store(name, ObjectStoreParams::new());
            }
        });
        Ok(Store { database: request.await? })
    }

    /// What is kept; none when nothing is, or nothing that this version understands.
    pub async fn record(&self) -> Result<Option<Record>, idb::Error> {
        if let Some(bytes) = self.bytes(RECORD).await? {
            return Ok(Record::from_bytes(&bytes));
        }
        let earlier = self.bytes(EARLIER_RECORD).await?;
        let earlier = earlier.and_then(|bytes| postcard::from_bytes(&bytes).ok());
        Ok(earlier.map(|record: RecordBeforeBrush| record.into()))
    }

    async fn bytes(&self, key: &str) -> Result<Option<Vec<u8>>, idb::Error> {
        let value = self.get(WORK, key).await?;
        let bytes = value.and_then(|value| value.dyn_into::<js_sys::Uint8Array>().ok());
        Ok(bytes.map(|bytes| bytes.to_vec()))
    }

    /// Keeps a record in the place of the last one.
    pub async fn keep_record(&self, record: &Record) -> Result<(), idb::Error> {
        let bytes = js_sys::Uint8Array::from(record.to_bytes().as_slice());
        let transaction = self.database.transaction(&[WORK], TransactionMode::ReadWrite)?;
        let store = transaction.object_store(WORK)?;
        store.put(&bytes, Some(&JsValue::from_str(RECORD)))?.await?;
        // What it says is in the new one.
        store.delete(JsValue::from_str(EARLIER_RECORD))?.await?;
        done(transaction.await?)
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
