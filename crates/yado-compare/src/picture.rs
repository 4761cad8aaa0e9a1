//! The page as a picture, for where pages cannot be shown. It is drawn by the user's own browser, without a window:
//! anything else would need fonts and a second way of laying out.

use std::path::Path;
use std::time::Duration;

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

/// Browsers that draw pages without a window, by the names of their programs.
const BROWSERS: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chromium-headless-shell"];

/// How wide the page is drawn, in its own pixels.
const WIDTH: u32 = 960;

/// How long the browser may take for each of its two looks.
const LIMIT: Duration = Duration::from_secs(90);

/// Asks the page for its height, which a picture must be told. The page itself has no scripts.
const PROBE: &str =
    "<script>document.documentElement.dataset.height=document.documentElement.scrollHeight</script>";

/// Whether a picture can be drawn here.
///
/// # Errors
/// When there is no browser for it.
pub fn can_draw(context: &Context) -> Result<()> {
    browser(context).map(drop)
}

fn browser(context: &Context) -> Result<std::path::PathBuf> {
    BROWSERS.iter().find_map(|name| context.host.which(name)).ok_or_else(|| {
        Error::new(
            ErrorKind::Other,
            "A picture of the page is drawn by a browser, and there is none here that can.",
        )
        .hinted(format!(
            "Looked for: {}. On Debian: apt-get install chromium. Or write the page itself with '--html'.",
            BROWSERS.join(", ")
        ))
    })
}

/// Draws the whole page into a PNG file.
///
/// # Errors
/// When there is no browser, or it fails; when the file cannot be written.
pub fn picture(context: &Context, page: &str, file: &Path) -> Result<()> {
    let browser = browser(context)?;
    let folder = tempfile::Builder::new()
        .prefix("yado-compare-")
        .tempdir()
        .doing(|| "making a directory for the browser")?;
    let (source, target) = (folder.path().join("page.html"), folder.path().join("page.png"));
    std::fs::write(&source, page.replace("</html>", &format!("{PROBE}</html>")))
        .doing(|| "writing the page")?;
    let run = |more: &[String]| {
        let mut argv = vec![browser.display().to_string()];
        let own =
            ["--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions"];
        argv.extend(own.map(str::to_owned));
        // Its own sandbox does not work for root; the page is ours.
        argv.push("--no-sandbox".to_owned());
        argv.push(format!("--user-data-dir={}", folder.path().join("profile").display()));
        argv.extend_from_slice(more);
        argv.push(format!("file://{}", source.display()));
        context.host.run(&context.cancel, &argv, LIMIT)
    };
    let said = run(&["--dump-dom".to_owned(), format!("--window-size={WIDTH},800")])?;
    let height =
        height(&String::from_utf8_lossy(&said.stdout)).ok_or_else(|| failed(&browser, &said.stderr))?;
    let said =
        run(&[format!("--window-size={WIDTH},{height}"), format!("--screenshot={}", target.display())])?;
    if !target.is_file() {
        return Err(failed(&browser, &said.stderr));
    }
    std::fs::copy(&target, file).doing(|| format!("writing '{}'", file.display())).map(drop)
}

fn failed(browser: &Path, said: &[u8]) -> Error {
    let said = String::from_utf8_lossy(said);
    let end: Vec<&str> = said.trim().lines().rev().take(3).collect();
    let end: Vec<&str> = end.into_iter().rev().collect();
    Error::new(ErrorKind::Other, format!("'{}' did not draw the page: {}", browser.display(), end.join("\n")))
}

/// The height that the probe wrote down.
fn height(page: &str) -> Option<u32> {
    page.split_once("data-height=\"")?.1.split_once('"')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_height_is_read_back() {
        assert_eq!(height("<html lang=\"en\" data-height=\"2310\"><head>"), Some(2310));
        assert_eq!(height("<html>"), None);
    }
}
