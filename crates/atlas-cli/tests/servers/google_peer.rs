//! A bucket with the XML API of Google Cloud Storage:
//! <https://cloud.google.com/storage/docs/xml-api/overview>.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::Mutex;

use crate::http::{Request, response, serve};

/// Objects and uploads.
#[derive(Default)]
pub(crate) struct Bucket {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Upload>,
    /// Counts generations and uploads.
    count: u64,
    /// The number of completed multipart uploads.
    pub(crate) completed: usize,
    /// Requests that are not in the API.
    pub(crate) refused: Vec<String>,
}

struct Object {
    bytes: Vec<u8>,
    generation: u64,
}

struct Upload {
    key: String,
    parts: BTreeMap<u32, Vec<u8>>,
}

/// The minimum size of every part but the last, in bytes.
const SMALLEST: usize = 5 << 20;

impl Bucket {
    /// An object.
    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        Some(self.objects.get(key)?.bytes.clone())
    }

    /// The number of uploads that are neither complete nor aborted.
    pub(crate) fn open_uploads(&self) -> usize {
        self.uploads.len()
    }

    fn answer(&mut self, request: &Request) -> Vec<u8> {
        let path = request.path.trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let key = &decoded(key);
        let key = key.as_str();
        let answer = match (request.method.as_str(), key) {
            _ if bucket != "bucket" => Some(error(404, "NoSuchBucket")),
            ("GET", "") if request.parameter("uploads").is_some() => Some(self.list_uploads()),
            ("GET", "") => Some(self.list(request)),
            (_, "") => None,
            ("POST", key) if request.parameter("uploads").is_some() => Some(self.initiate(key)),
            ("GET" | "HEAD", key) => Some(self.read(key, request)),
            (method, key) => match request.parameter("uploadId") {
                Some(id) => self.upload(method, key, id, request),
                None => self.write(method, key, request),
            },
        };
        answer.unwrap_or_else(|| {
            let line = format!("{} {}?{}", request.method, request.path, request.query);
            self.refused.push(line);
            error(400, "InvalidArgument")
        })
    }

    fn read(&self, key: &str, request: &Request) -> Vec<u8> {
        let Some(object) = self.objects.get(key) else {
            return error(404, "NoSuchKey");
        };
        let generation = object.generation.to_string();
        let tag = object.tag();
        let mut headers = vec![
            ("x-goog-generation", generation.as_str()),
            ("etag", &tag),
            ("last-modified", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ];
        let length = object.bytes.len();
        if let Some((first, last)) = request.range(length) {
            let range = format!("bytes {first}-{last}/{length}");
            headers.push(("content-range", &range));
            return response(206, &headers, &object.bytes[first..=last]);
        }
        response(200, &headers, &object.bytes)
    }

    fn write(&mut self, method: &str, key: &str, request: &Request) -> Option<Vec<u8>> {
        if let Some(refusal) = self.refusal(key, request) {
            return Some(refusal);
        }
        match method {
            "PUT" => Some(self.put(key, request.body.clone())),
            "DELETE" => Some(match self.objects.remove(key) {
                Some(_) => response(204, &[], b""),
                None => error(404, "NoSuchKey"),
            }),
            _ => None,
        }
    }

    /// `x-goog-if-generation-match`: 0 means that the object must not exist.
    fn refusal(&self, key: &str, request: &Request) -> Option<Vec<u8>> {
        let asked: u64 = request
            .header("x-goog-if-generation-match")?
            .parse()
            .unwrap();
        let there = self.objects.get(key).map_or(0, |object| object.generation);
        (asked != there).then(|| error(412, "PreconditionFailed"))
    }

    fn put(&mut self, key: &str, bytes: Vec<u8>) -> Vec<u8> {
        self.count += 1;
        let generation = self.count;
        let object = Object { bytes, generation };
        let tag = object.tag();
        self.objects.insert(key.to_owned(), object);
        let generation = generation.to_string();
        response(
            200,
            &[("x-goog-generation", &generation), ("etag", &tag)],
            b"",
        )
    }

    fn initiate(&mut self, key: &str) -> Vec<u8> {
        self.count += 1;
        let id = format!("upload-{}", self.count);
        let upload = Upload {
            key: key.to_owned(),
            parts: BTreeMap::new(),
        };
        self.uploads.insert(id.clone(), upload);
        xml(&format!(
            "<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>{key}</Key>\
             <UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
        ))
    }

    fn upload(&mut self, method: &str, key: &str, id: &str, request: &Request) -> Option<Vec<u8>> {
        let known = self.uploads.get_mut(id);
        let Some(upload) = known.filter(|upload| upload.key == key) else {
            return Some(error(404, "NoSuchUpload"));
        };
        match method {
            "PUT" => {
                let number = request.parameter("partNumber")?.parse().unwrap();
                let tag = tag(&request.body);
                upload.parts.insert(number, request.body.clone());
                Some(response(200, &[("etag", &tag)], b""))
            }
            "DELETE" => {
                self.uploads.remove(id);
                Some(response(204, &[], b""))
            }
            "POST" => Some(self.complete(key, id, request)),
            _ => None,
        }
    }

    fn complete(&mut self, key: &str, id: &str, request: &Request) -> Vec<u8> {
        if let Some(refusal) = self.refusal(key, request) {
            return refusal;
        }
        let text = String::from_utf8(request.body.clone()).unwrap();
        let asked: Vec<(u32, String)> = elements(&text, "Part")
            .map(|part| {
                let number = elements(part, "PartNumber")
                    .next()
                    .unwrap()
                    .parse()
                    .unwrap();
                let tag = elements(part, "ETag")
                    .next()
                    .unwrap()
                    .replace("&quot;", "\"");
                (number, tag)
            })
            .collect();
        let parts = &self.uploads[id].parts;
        let there = parts.iter().map(|(number, bytes)| (*number, tag(bytes)));
        if !there.eq(asked) {
            return error(400, "InvalidPart");
        }
        let small = parts
            .values()
            .rev()
            .skip(1)
            .any(|bytes| bytes.len() < SMALLEST);
        if small {
            return error(400, "EntityTooSmall");
        }
        let upload = self.uploads.remove(id).unwrap();
        let bytes = upload.parts.into_values().flatten().collect();
        self.put(key, bytes);
        self.completed += 1;
        let object = &self.objects[key];
        let generation = object.generation.to_string();
        let tag = object.tag().replace('"', "&quot;");
        let body = format!(
            "<CompleteMultipartUploadResult><Bucket>bucket</Bucket><Key>{key}</Key>\
             <ETag>{tag}</ETag></CompleteMultipartUploadResult>"
        );
        response(200, &[("x-goog-generation", &generation)], body.as_bytes())
    }

    fn list_uploads(&self) -> Vec<u8> {
        let uploads = self.uploads.iter();
        let uploads: Vec<String> = uploads
            .map(|(id, upload)| {
                format!(
                    "<Upload><Key>{}</Key><UploadId>{id}</UploadId></Upload>",
                    upload.key
                )
            })
            .collect();
        xml(&format!(
            "<ListMultipartUploadsResult>{}<IsTruncated>false</IsTruncated>\
             </ListMultipartUploadsResult>",
            uploads.concat()
        ))
    }

    fn list(&self, request: &Request) -> Vec<u8> {
        let prefix = request.parameter("prefix").map(decoded).unwrap_or_default();
        let objects = self.objects.iter();
        let objects: Vec<String> = objects
            .filter(|(key, _)| key.starts_with(&prefix))
            .map(|(key, object)| {
                format!(
                    "<Contents><Key>{key}</Key><Size>{}</Size>\
                     <LastModified>2026-10-21T07:28:00.000Z</LastModified></Contents>",
                    object.bytes.len()
                )
            })
            .collect();
        xml(&format!(
            "<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>",
            objects.concat()
        ))
    }
}

impl Object {
    fn tag(&self) -> String {
        format!("\"{}\"", self.generation)
    }
}

/// Responds to the requests of a connection, which need the token.
pub(crate) fn serve_bucket(stream: &TcpStream, bucket: &Mutex<Bucket>, token: &str) {
    serve(stream, |request| {
        let expected = format!("Bearer {token}");
        if request.header("authorization") != Some(&expected) {
            return error(401, "AuthenticationRequired");
        }
        let mut answer = bucket.lock().unwrap().answer(&request);
        if request.method == "HEAD" {
            let head = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
            answer.truncate(head + 4);
        }
        answer
    });
}

/// Decodes a key.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

/// A tag that differs for different bytes.
fn tag(bytes: &[u8]) -> String {
    let sum = bytes.iter().fold(0_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
    });
    format!("\"{sum:x}\"")
}

fn elements<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&start)?;
        let (element, after) = after.split_once(&end)?;
        rest = after;
        Some(element)
    })
}

fn xml(body: &str) -> Vec<u8> {
    response(200, &[("content-type", "application/xml")], body.as_bytes())
}

fn error(status: u16, code: &str) -> Vec<u8> {
    let body = format!("<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code></Error>");
    response(
        status,
        &[("content-type", "application/xml")],
        body.as_bytes(),
    )
}
